package fakecognito_test

import (
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"cognito.internal/useradmin/fakecognito"
)

func TestListener(t *testing.T) {
	l, err := fakecognito.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	url := "http://" + l.Addr().String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func() error {
		response, err := client.Get(url)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	for range 2 {
		if err := get(); err != nil {
			t.Error(err)
		}
		l.Refuse()
		if err := get(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("refused: %v", err)
		}
		if err := l.Admit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
