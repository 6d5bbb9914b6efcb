package main

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// limitMemory lets the collector run as often as it takes to stay below the memory limit of the cgroup. GOMEMLIMIT in
// the environment wins.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit := heapLimit(memlimit.FromCgroup()); limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}

// The runtime does not count the program's own pages and the kernel's buffers; of a small limit a tenth is too little for
// them.
const notCounted = 32 << 20

// heapLimit is nine tenths of the cgroup's limit or less; 0 where there is none.
func heapLimit(cgroup uint64, err error) int64 {
	if err != nil || cgroup > math.MaxInt64 {
		return 0
	}
	limit := int64(cgroup)
	return max(limit-max(limit/10, notCounted), limit/2)
}
