package main

import (
	"errors"
	"math"
	"testing"
)

func TestHeapLimit(t *testing.T) {
	for _, test := range []struct {
		cgroup uint64
		err    error
		want   int64
	}{
		{128 << 20, nil, 96 << 20},
		{1000 << 20, nil, 900 << 20},
		{40 << 20, nil, 20 << 20},
		{math.MaxUint64, nil, 0},
		{0, errors.New("no cgroup"), 0},
	} {
		if got := heapLimit(test.cgroup, test.err); got != test.want {
			t.Errorf("%d, %v: %d, want %d", test.cgroup, test.err, got, test.want)
		}
	}
}
