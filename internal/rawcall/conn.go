// Package rawcall is a caller who keeps to no rules, for tests: it writes HTTP/2 frames as it likes.
package rawcall

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strconv"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Conn is a connection to a gRPC server. Its methods are for one goroutine.
type Conn struct {
	net.Conn

	Framer *http2.Framer
	// Ends are the ends of streams, in their order. It is closed with the connection.
	Ends chan End

	fields bytes.Buffer
	hpack  *hpack.Encoder
	next   uint32
}

// End is how a stream ended.
type End struct {
	Stream uint32
	Status *status.Status
	// Trailers are the other fields that came with the status.
	Trailers map[string]string
}

// New greets the server.
func New(conn net.Conn) (*Conn, error) {
	c := &Conn{Conn: conn, Framer: http2.NewFramer(conn, conn), Ends: make(chan End, 100), next: 1}
	c.hpack = hpack.NewEncoder(&c.fields)
	c.Framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	return c, c.Framer.WriteSettings()
}

// Listen reads what the server sends until the connection ends. A test that does not call it does not read.
func (c *Conn) Listen() {
	defer close(c.Ends)
	for {
		frame, err := c.Framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if frame.StreamEnded() {
				c.Ends <- ended(frame)
			}
		case *http2.DataFrame:
			if frame.StreamEnded() { // no gRPC server ends one so, but a proxy does with its own answers
				c.Ends <- End{Stream: frame.StreamID, Status: status.New(codes.Unknown, "the answer is not gRPC")}
			}
		}
	}
}

func ended(frame *http2.MetaHeadersFrame) End {
	e := End{Stream: frame.StreamID, Trailers: map[string]string{}}
	code, message := uint64(codes.Unknown), ""
	var details []byte
	for _, field := range frame.Fields {
		switch field.Name {
		case "grpc-status":
			code, _ = strconv.ParseUint(field.Value, 10, 32)
		case "grpc-message":
			message = field.Value
		case "grpc-status-details-bin":
			details, _ = base64.RawStdEncoding.DecodeString(field.Value)
		default:
			e.Trailers[field.Name] = field.Value
		}
	}
	e.Status = status.New(codes.Code(code), message)
	var p spb.Status
	if len(details) > 0 && proto.Unmarshal(details, &p) == nil {
		e.Status = status.FromProto(&p)
	}
	return e
}

// Open opens a stream; more are names and values of headers in turn, and content-type replaces the usual one.
func (c *Conn) Open(method string, more ...string) (stream uint32, err error) {
	stream = c.next
	c.next += 2
	block := c.block(method, more)
	first := block[:min(len(block), maxFrame)]
	err = c.Framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndHeaders: len(first) == len(block)})
	for block = block[len(first):]; len(block) > 0 && err == nil; {
		next := block[:min(len(block), maxFrame)]
		block = block[len(next):]
		err = c.Framer.WriteContinuation(stream, len(block) == 0, next)
	}
	return stream, err
}

// maxFrame is the largest payload of a frame that every server takes.
const maxFrame = 16 << 10

// block is the header block of a request.
func (c *Conn) block(method string, more []string) []byte {
	c.fields.Reset()
	all := []string{":method", "POST", ":scheme", "http", ":path", method, ":authority", "a", "te", "trailers"}
	if !slices.Contains(more, "content-type") {
		all = append(all, "content-type", "application/grpc")
	}
	all = append(all, more...)
	for i := 0; i < len(all); i += 2 {
		_ = c.hpack.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]}) // a buffer takes everything
	}
	return c.fields.Bytes()
}

// Send sends data on the stream.
func (c *Conn) Send(stream uint32, data []byte, end bool) error {
	return c.Framer.WriteData(stream, end, data)
}

// Reset cancels the stream.
func (c *Conn) Reset(stream uint32) error {
	return c.Framer.WriteRSTStream(stream, http2.ErrCodeCancel)
}

// Prefix announces a message of that length, as gRPC does.
func Prefix(length int) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, uint32(length)) //nolint:gosec // a few KiB
}

// Message is the message behind its prefix.
func Message(m proto.Message) ([]byte, error) {
	message, err := proto.Marshal(m)
	return append(Prefix(len(message)), message...), err
}
