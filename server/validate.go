package server

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits that the proto states; lengths are in code points.
const (
	maxUserPoolID    = 55
	maxUsername      = 128
	maxEntries       = 64
	maxKey           = 128
	maxValue         = 2048
	maxMetadataBytes = 32 << 10
	// maxKeyShown bounds a key in the name of a field, in bytes.
	maxKeyShown = 64
)

const (
	fieldUserPoolID     = "user_pool_id"
	fieldUsername       = "username"
	fieldClientMetadata = "client_metadata"
)

const (
	reasonRequired      = "REQUIRED"
	reasonTooShort      = "TOO_SHORT" // of Cognito's alone
	reasonTooLong       = "TOO_LONG"
	reasonTooMany       = "TOO_MANY"
	reasonBadCharacters = "BAD_CHARACTERS"
	reasonBadFormat     = "BAD_FORMAT"
	reasonNotUTF8       = "NOT_UTF8"
)

// violation is a field that violates a limit. It never has the field's value.
type violation struct {
	field string
	// key is the entry's in client metadata; it counts only where entry is set.
	key         string
	entry       bool
	reason      string
	description string
}

// path names the field as in the proto.
func (v violation) path() string {
	if !v.entry {
		return v.field
	}
	return v.field + `["` + escape(v.key, maxKeyShown) + `"]`
}

// invalidRequest is the error of a request that violates limits of this service.
type invalidRequest struct{ violations []violation }

func (*invalidRequest) Error() string { return "the request violates a limit" }

func checkUserPoolID(found []violation, id string) []violation {
	v := violation{field: fieldUserPoolID}
	switch {
	case id == "":
		return append(found, v.because(reasonRequired, "A user pool id is required."))
	case !utf8.ValidString(id):
		return append(found, v.because(reasonNotUTF8, "A user pool id must be valid UTF-8."))
	}
	if longer(id, maxUserPoolID) {
		found = append(found, v.because(reasonTooLong, "A user pool id may have at most 55 characters."))
	}
	if !userPoolID(id) {
		found = append(found, v.because(reasonBadFormat, `A user pool id must match [\w-]+_[0-9a-zA-Z]+.`))
	}
	return found
}

func checkUsername(found []violation, name string) []violation {
	v := violation{field: fieldUsername}
	switch {
	case name == "":
		return append(found, v.because(reasonRequired, "A username is required."))
	case !utf8.ValidString(name):
		return append(found, v.because(reasonNotUTF8, "A username must be valid UTF-8."))
	}
	if longer(name, maxUsername) {
		found = append(found, v.because(reasonTooLong, "A username may have at most 128 characters."))
	}
	if !username(name) {
		found = append(found, v.because(reasonBadCharacters, "A username may contain letters, marks, symbols, numbers and punctuation only, no spaces."))
	}
	return found
}

func checkClientMetadata(found []violation, entries map[string]string) []violation {
	v := violation{field: fieldClientMetadata}
	if len(entries) > maxEntries {
		found = append(found, v.because(reasonTooMany, "Client metadata may have at most 64 entries."))
	}
	total, before := 0, len(found)
	for key, value := range entries {
		total += len(key) + len(value)
		found = checkEntry(found, key, value)
	}
	if len(found) > before {
		slices.SortStableFunc(found[before:], func(a, b violation) int { return strings.Compare(a.key, b.key) })
	}
	if total > maxMetadataBytes {
		found = slices.Insert(found, before, v.because(reasonTooLong, "Client metadata may have at most 32 KiB of keys and values."))
	}
	return found
}

func checkEntry(found []violation, key, value string) []violation {
	v := violation{field: fieldClientMetadata, key: key, entry: true}
	switch {
	case key == "":
		found = append(found, v.because(reasonRequired, "A key must have at least 1 character."))
	case !utf8.ValidString(key):
		found = append(found, v.because(reasonNotUTF8, "A key must be valid UTF-8."))
	case longer(key, maxKey):
		found = append(found, v.because(reasonTooLong, "A key may have at most 128 characters."))
	}
	switch {
	case !utf8.ValidString(value):
		found = append(found, v.because(reasonNotUTF8, "A value must be valid UTF-8."))
	case longer(value, maxValue):
		found = append(found, v.because(reasonTooLong, "A value may have at most 2048 characters."))
	}
	return found
}

func (v violation) because(reason, description string) violation {
	v.reason, v.description = reason, description
	return v
}

// longer counts code points only where the bytes leave it open.
func longer(text string, limit int) bool {
	return len(text) > limit && utf8.RuneCountInString(text) > limit
}

// userPoolID matches `^[\w-]+_[0-9a-zA-Z]+$`: what follows the last underscore is not empty and has no hyphen.
func userPoolID(id string) bool {
	underscore := strings.LastIndexByte(id, '_')
	if underscore < 1 || underscore == len(id)-1 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; !alphanumeric(c) && (i > underscore || c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// username matches `^[\p{L}\p{M}\p{S}\p{N}\p{P}]*$`: what unicode calls printable, but for the space.
func username(name string) bool {
	for _, r := range name {
		if r == ' ' || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// escape writes the text as it stands between the quotes of a JSON string, cut between two characters.
func escape(text string, limit int) string {
	var b strings.Builder
	for _, r := range text {
		piece := escapeRune(r)
		if b.Len()+len(piece) > limit {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

func escapeRune(r rune) string {
	const hex = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		return `\` + string(r)
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029':
		return `\u` + string([]byte{hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15]})
	default:
		return string(r)
	}
}
