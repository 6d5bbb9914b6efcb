//go:build linux && !race

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognito.internal/useradmin/bench"
	"cognito.internal/useradmin/internal/authn"
)

func TestAttacksOverTLS(t *testing.T) {
	binary := shipped(t)
	for _, a := range append(tlsAttacks(), again()...) {
		if testing.Short() && !a.always {
			continue
		}
		t.Run(a.name, func(t *testing.T) { a.withstand(t, binary, gateOf(t, authn.MTLS, false), 2*attackTime) })
	}
}

// again are the attacks without TLS to which it matters what TLS keeps of each connection, and how it writes.
func again() []attack {
	return slices.DeleteFunc(attacks(), func(a attack) bool {
		return !slices.Contains([]string{
			"calls padded to 63 KiB", "half-sent messages", "half-sent in odd frames", "calls without end",
			"calls without end, nobody reads", "settings without end, nobody reads", "responses that nobody reads",
		}, a.name)
	})
}

func tlsAttacks() []attack {
	return []attack{
		{"handshakes that never end", true, unfinishedHandshakes},
		{"certificates that come slowly", true, slowCertificates},
		{"no certificates", false, func(ctx context.Context, s *bench.Service) { handshakes(ctx, s, true) }},
		{"connections without end", false, func(ctx context.Context, s *bench.Service) { handshakes(ctx, s, false) }},
		{"1,100 idle connections", false, idleConnections},
	}
}

// unfinishedHandshakes opens connections as fast as it can, and keeps 2,000 of them. Half of them begin a handshake.
func unfinishedHandshakes(ctx context.Context, s *bench.Service) {
	config, err := s.Gate.TLS()
	if err != nil {
		return
	}
	greeting := hello(config)
	keepOpen(ctx, s, func(i int, raw net.Conn) {
		if i%2 == 0 {
			_, _ = raw.Write(greeting)
		}
	})
}

// hello is how a client begins.
func hello(config *tls.Config) []byte {
	var nobody deaf
	_ = tls.Client(&nobody, config).Handshake() // ends as nobody answers
	return nobody.sent
}

// deaf is a connection to nobody.
type deaf struct {
	net.Conn
	sent []byte
}

func (d *deaf) Write(b []byte) (int, error) {
	d.sent = append(d.sent, b...)
	return len(b), nil
}

func (*deaf) Read([]byte) (int, error) { return 0, io.EOF }

func (*deaf) Close() error { return nil }

// slowCertificates begins as many handshakes as there may be connections, with as many bytes of certificates as the service takes,
// or with almost as many as it takes from everybody. The last of them never come.
func slowCertificates(ctx context.Context, s *bench.Service) {
	config, err := s.Gate.TLS()
	if err != nil {
		return
	}
	config.InsecureSkipVerify = true // it saves time
	config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, make([]byte, 29<<10))
	var count atomic.Int64
	atOnce(1_100, func() {
		raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
		if err != nil {
			return
		}
		defer func() { _ = raw.Close() }()
		most := 8 << 10
		if count.Add(1)%8 == 0 {
			most = 28 << 10
		}
		_ = tls.Client(&dripping{Conn: raw, ctx: ctx, left: most}, config).HandshakeContext(ctx)
		<-ctx.Done()
	})
}

// dripping writes what comes after the greeting slowly, and never its end.
type dripping struct {
	net.Conn
	ctx     context.Context
	greeted bool
	left    int
}

func (d *dripping) Write(b []byte) (int, error) {
	if !d.greeted {
		d.greeted = true
		return d.Conn.Write(b)
	}
	const drop = 1 << 10
	for n := 0; n+drop < len(b) && d.left > 0 && d.ctx.Err() == nil; n += drop {
		if _, err := d.Conn.Write(b[n : n+drop]); err != nil {
			return n, err
		}
		d.left -= drop
		time.Sleep(10 * time.Millisecond)
	}
	<-d.ctx.Done()
	return 0, d.ctx.Err()
}

// handshakes makes handshakes without end.
func handshakes(ctx context.Context, s *bench.Service, nameless bool) {
	var all atomic.Int64
	begin := time.Now()
	atOnce(20, func() {
		config, err := s.Gate.TLS()
		if err != nil {
			return
		}
		config.InsecureSkipVerify = true // it saves time
		if nameless {
			config.Certificates = nil
		}
		for ctx.Err() == nil {
			raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
			if err != nil {
				continue
			}
			conn := tls.Client(raw, config)
			if conn.HandshakeContext(ctx) == nil {
				_, _ = conn.Read(make([]byte, 1)) // waits for the refusal
				all.Add(1)
			}
			_ = raw.Close()
		}
	})
	fmt.Printf("%.0f handshakes a second\n", float64(all.Load())/time.Since(begin).Seconds())
}

// idleConnections makes as many connections as there may be, and greets on each.
func idleConnections(ctx context.Context, s *bench.Service) {
	atOnce(1_100, func() {
		conn := rawDial(ctx, s)
		if conn == nil {
			return
		}
		<-ctx.Done()
		_ = conn.Close()
	})
}

func atOnce(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}
