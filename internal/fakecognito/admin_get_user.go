package fakecognito

import (
	"maps"
	"slices"
	"time"
)

func adminGetUser() operation {
	return operation{name: "AdminGetUser", signed: true, decode: func(d *decoder) input {
		return adminGetUserInput{decodeAdmin(d)}
	}}
}

type adminGetUserInput struct{ adminInput }

type adminGetUserOutput struct {
	Username             string
	UserAttributes       []attribute
	UserCreateDate       float64
	UserLastModifiedDate float64
	Enabled              bool
	UserStatus           Status
}

func (in adminGetUserInput) apply(s *Server, c *call) (result, *Exception) {
	_, u, e := in.find(s)
	if e != nil {
		return result{}, e
	}
	s.note(KindRead, c.request, u, "")
	attributes := []attribute{{"sub", u.Sub}}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		attributes = append(attributes, attribute{name, u.Attributes[name]})
	}
	return result{output: adminGetUserOutput{
		Username:             u.Username,
		UserAttributes:       attributes,
		UserCreateDate:       seconds(u.created),
		UserLastModifiedDate: seconds(u.modified),
		Enabled:              !u.Disabled,
		UserStatus:           u.Status,
	}}, nil
}

// seconds is a moment as AWS JSON has it, with milliseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
