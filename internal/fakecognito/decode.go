package fakecognito

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

type members = map[string]json.RawMessage

// decoder reads the members of a request and keeps the first problem that it meets.
type decoder struct {
	members members
	problem *Exception
}

func newDecoder(body []byte) *decoder {
	d := &decoder{}
	if len(body) == 0 {
		return d
	}
	// A struct would accept the names of members in any case.
	if !utf8.Valid(body) || json.Unmarshal(body, &d.members) != nil {
		d.members = nil
		d.fail(exception(serialization, ""))
	}
	return d
}

func (d *decoder) fail(e *Exception) {
	if d.problem == nil {
		d.problem = e
	}
}

// text reads a string; nil means that it is absent.
func (d *decoder) text(name string) *string { return d.convert(d.members[name]) }

func (d *decoder) convert(raw json.RawMessage) *string {
	var text *string
	if absent(raw) || json.Unmarshal(raw, &text) == nil {
		return text
	}
	d.fail(exception(serialization, token(raw)+" can not be converted to a String"))
	return nil
}

// texts reads a map of strings.
func (d *decoder) texts(name string) map[string]string {
	var entries members
	if !d.unmarshal(name, &entries) {
		return nil
	}
	texts := make(map[string]string, len(entries))
	for key, value := range entries {
		if text := d.convert(value); text != nil { // AWS drops null values of maps
			texts[key] = *text
		}
	}
	return texts
}

// attribute is a user attribute in a request or a response.
type attribute struct {
	Name  string
	Value string
}

// attributes reads a list of user attributes.
func (d *decoder) attributes(name string) []attribute {
	var entries []members
	if !d.unmarshal(name, &entries) {
		return nil
	}
	var list []attribute
	for _, entry := range entries {
		list = append(list, attribute{deref(d.convert(entry["Name"])), deref(d.convert(entry["Value"]))})
	}
	return list
}

// unmarshal reports whether the member is there and has the shape of to.
func (d *decoder) unmarshal(name string, to any) bool {
	raw := d.members[name]
	if absent(raw) {
		return false
	}
	if json.Unmarshal(raw, to) != nil {
		d.fail(exception(serialization, "Unexpected token"))
		return false
	}
	return true
}

func absent(raw json.RawMessage) bool { return raw == nil || bytes.Equal(raw, []byte("null")) }

// token names the kind of a JSON value as AWS's parser does.
func token(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "START_OBJECT"
	case '[':
		return "START_ARRAY"
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	default:
		return "NUMBER_VALUE"
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
