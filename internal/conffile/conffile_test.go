package conffile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cognito.internal/useradmin/internal/conffile"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatOthersMayChangeAreRefused(t *testing.T) {
	dir := t.TempDir()
	large := strings.Repeat("x", 1<<20+1)
	for _, c := range []struct {
		name   string
		mode   os.FileMode
		secret bool
		text   string
		want   string
	}{
		{"public.pem", 0o644, false, "x", ""},
		{"secret.pem", 0o640, true, "x", ""},
		{"open.pem", 0o644, true, "x", "is secret and may be read by others (mode 0644): run chmod o-r PATH"},
		{"group.pem", 0o664, false, "x", "may be written by its group or by others (mode 0664): run chmod go-w PATH"},
		{"others.pem", 0o602, true, "x", "may be written by its group or by others (mode 0602): run chmod go-w PATH"},
		{"large.pem", 0o600, false, large, "is larger than 1048576 bytes"},
	} {
		path := filepath.Join(dir, c.name)
		write(t, path, c.text, c.mode)
		_, err := conffile.File{Path: path, Secret: c.secret}.Read()
		want := path + " " + strings.ReplaceAll(c.want, "PATH", path)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: %v, want %s", c.name, err, want)
		}
	}
	if _, err := (conffile.File{Path: dir}).Read(); err == nil || err.Error() != dir+" is not a file" {
		t.Errorf("a folder: %v", err)
	}
	if _, err := (conffile.File{Path: "/dev/zero"}).Read(); err == nil || err.Error() != "/dev/zero is not a file" {
		t.Errorf("a device: %v", err)
	}
	if _, err := (conffile.File{Path: filepath.Join(dir, "none")}).Read(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestOnlyWholeContentsAreTaken changes a file while it is watched.
func TestOnlyWholeContentsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, "old", 0o600)
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex // guards all below
		var taken, failures []string
		refuse := false
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			conffile.Watch(ctx, []conffile.File{{Path: path}}, [][]byte{[]byte("old")}, func(texts [][]byte) error {
				mu.Lock()
				defer mu.Unlock()
				if refuse {
					return errors.New("refused")
				}
				taken = append(taken, string(texts[0]))
				return nil
			}, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, err.Error())
			})
		}()
		at := func(d time.Duration, what string, wantTaken, wantFailures int) {
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(taken) != wantTaken || len(failures) != wantFailures {
				t.Errorf("%s: taken %q, failures %q", what, taken, failures)
			}
		}
		refusing := func(yes bool) {
			mu.Lock()
			defer mu.Unlock()
			refuse = yes
		}
		at(10*time.Second+time.Millisecond, "unchanged", 0, 0)
		write(t, path, "half", 0o600)
		at(10*time.Second, "seen once", 0, 0)
		write(t, path, "half and the rest", 0o600)
		at(time.Second, "still changing", 0, 1)
		at(11*time.Second, "whole", 1, 1)
		refusing(true)
		write(t, path, "bad", 0o600)
		at(11*time.Second, "refused", 1, 2)
		at(11*time.Second, "refused again", 1, 3)
		refusing(false)
		write(t, path, "good", 0o600)
		at(11*time.Second, "good", 2, 3)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		at(11*time.Second, "gone", 2, 4)
		cancel()
		<-ended
		if strings.Join(taken, ",") != "half and the rest,good" {
			t.Errorf("taken %q", taken)
		}
	})
}
