package fakecognito

import (
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// deliver sends the client the reply, or what the fault has in its place.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, c *call, f Fault, replies <-chan reply) {
	s.wait(r, f.Wait)
	switch f.Answer {
	case AnswerException:
		s.write(w, c, failure(&f.Exception))
	case AnswerBody:
		writeBody(w, f)
	case AnswerReset:
		cut(w)
	case AnswerHang:
		s.hang(r)
	case AnswerTruncated:
		s.truncate(w, c, s.await(r, replies))
	case AnswerHuge:
		s.writeHuge(w, c, f.Size)
	default:
		s.write(w, c, s.await(r, replies))
	}
}

// wait returns after the time, unless the client leaves or the server is closed.
func (s *Server) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-s.base.Done():
		panic(http.ErrAbortHandler)
	}
}

// await returns the reply, which is late if the effect is.
func (s *Server) await(r *http.Request, replies <-chan reply) reply {
	select {
	case got := <-replies: // a reply that is there is sent in any case
		return got
	default:
	}
	select {
	case got := <-replies:
		return got
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-s.base.Done():
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.base.Done():
	}
	panic(http.ErrAbortHandler)
}

// write sends a whole reply.
func (s *Server) write(w http.ResponseWriter, c *call, got reply) {
	s.setHeader(w.Header(), c, got)
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body) // a client may have left
}

// truncate announces a whole reply and sends half of it.
func (s *Server) truncate(w http.ResponseWriter, c *call, got reply) {
	s.setHeader(w.Header(), c, got)
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body[:len(got.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// writeHuge sends a success with far too many bytes.
func (s *Server) writeHuge(w http.ResponseWriter, c *call, size int64) {
	if size <= 0 {
		size = hugeSize
	}
	s.setHeader(w.Header(), c, reply{})
	w.Header().Del("Content-Length")
	const head, tail = `{"Padding":"`, `"}`
	chunk := []byte(strings.Repeat("a", 32<<10))
	if _, err := w.Write([]byte(head)); err != nil {
		return
	}
	for left := size - int64(len(head)+len(tail)); left > 0; left -= int64(len(chunk)) {
		if s.base.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
			return
		}
	}
	_, _ = w.Write([]byte(tail))
}

// setHeader sets the headers that all of AWS's responses have.
func (s *Server) setHeader(h http.Header, c *call, got reply) {
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(got.body)))
	h.Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Amzn-RequestId", c.request.ID)
	if e := got.exception; e != nil {
		h.Set("X-Amzn-ErrorType", e.Name+":")
		if fitsHeader(e.Message) {
			h.Set("X-Amzn-ErrorMessage", e.Message)
		}
	}
}

// fitsHeader reports whether a text can be sent unchanged as a header.
func fitsHeader(text string) bool {
	const longest = 1024
	outside := func(r rune) bool { return r < ' ' || r > '~' }
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, outside)
}

// writeBody sends exactly what the fault says.
func writeBody(w http.ResponseWriter, f Fault) {
	w.Header()["Content-Type"] = nil // or net/http would guess one
	maps.Copy(w.Header(), f.Header.Clone())
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if f.Body != "" {
		_, _ = w.Write([]byte(f.Body))
	}
}

// cut closes the connection without a response, on TCP with a reset.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2 resets the stream
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}
