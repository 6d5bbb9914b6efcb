package fakecognito

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// input holds the members of all operations; a nil one is absent.
type input struct {
	userPoolID     *string
	clientID       *string
	username       *string
	password       *string
	clientMetadata map[string]string
	attributes     []attribute
}

type members = map[string]json.RawMessage

// decode reads the body. What it could read before it met a problem is returned
// with the problem, so that faults and journal know the user in any case.
func decode(body []byte) (input, *Exception) {
	var in input
	if len(body) == 0 {
		return in, nil
	}
	var fields members // a struct would take member names in any case
	if !utf8.Valid(body) || json.Unmarshal(body, &fields) != nil {
		return in, exception(serialization, "")
	}
	var problem *Exception
	failed := func(e *Exception) {
		if problem == nil {
			problem = e
		}
	}
	failed(decodeString(fields["UserPoolId"], &in.userPoolID))
	failed(decodeString(fields["ClientId"], &in.clientID))
	failed(decodeString(fields["Username"], &in.username))
	failed(decodeString(fields["Password"], &in.password))
	failed(decodeMap(fields["ClientMetadata"], &in.clientMetadata))
	failed(decodeAttributes(fields["UserAttributes"], &in.attributes))
	return in, problem
}

func decodeString(raw json.RawMessage, to **string) *Exception {
	if absent(raw) || json.Unmarshal(raw, to) == nil {
		return nil
	}
	*to = nil
	return exception(serialization, token(raw)+" can not be converted to a String")
}

func decodeMap(raw json.RawMessage, to *map[string]string) *Exception {
	if absent(raw) {
		return nil
	}
	var entries members
	if json.Unmarshal(raw, &entries) != nil {
		return exception(serialization, "Unexpected token")
	}
	*to = make(map[string]string, len(entries))
	for key, value := range entries {
		var text *string
		if e := decodeString(value, &text); e != nil {
			return e
		}
		if text != nil { // AWS drops null values of maps
			(*to)[key] = *text
		}
	}
	return nil
}

func decodeAttributes(raw json.RawMessage, to *[]attribute) *Exception {
	if absent(raw) {
		return nil
	}
	var list []members
	if json.Unmarshal(raw, &list) != nil {
		return exception(serialization, "Unexpected token")
	}
	for _, one := range list {
		var name, value *string
		if e := decodeString(one["Name"], &name); e != nil {
			return e
		}
		if e := decodeString(one["Value"], &value); e != nil {
			return e
		}
		*to = append(*to, attribute{deref(name), deref(value)})
	}
	return nil
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
