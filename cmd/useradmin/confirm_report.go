package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

// report says what became of a command, to people and programs.
type report struct {
	command  *confirmCommand
	target   target
	answer   answer
	glossary *glossary
}

// write prints JSON and successes to Out, the text of a failure to Err.
func (r *report) write(std streams) error {
	var err error
	switch {
	case r.command.Output == "json":
		err = r.json(std.Out)
	case r.answer.err == nil:
		_, err = io.WriteString(std.Out, r.success(widthOf(std.Out, textWidth)))
	default:
		_, err = io.WriteString(std.Err, r.failure(widthOf(std.Err, textWidth)))
	}
	return err
}

func (r *report) success(width int) string {
	s := &sheet{width: width}
	s.WriteString(printable(r.command.User) + ": " + r.result() + "\n\n")
	s.paragraphs(r.glossary.comment(r.result()))
	s.rows(labelWidth, row{"Pool", printable(r.command.Pool)})
	s.rows(labelWidth, r.circumstances()...)
	return s.text()
}

// result is the name of the result. One that this program does not know says no more than that the user is confirmed.
func (r *report) result() string {
	if name := strings.TrimPrefix(r.answer.response.GetResult().String(), schema.ResultPrefix); r.glossary.comment(name) != "" {
		return name
	}
	return strings.TrimPrefix(useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED_UNATTRIBUTED.String(), schema.ResultPrefix)
}

// circumstances are the rows that successes and failures share.
func (r *report) circumstances() []row {
	var rows []row
	if r.answer.requestID != "" {
		rows = append(rows, row{"Request id", printable(r.answer.requestID)})
	}
	switch {
	case r.answer.doubt != "":
		rows = append(rows, row{"Tries", fmt.Sprintf("%d; an earlier one failed with %s and the outcome UNKNOWN.",
			r.answer.tries, printable(r.answer.doubt))})
	case r.answer.tries > 1:
		rows = append(rows, row{"Tries", fmt.Sprint(r.answer.tries)})
	}
	return rows
}

func (r *report) failure(width int) string {
	f := r.answer.failure
	headline := f.CodeName()
	if f.ReasonName != "" {
		headline = fmt.Sprintf("%s (%s)", f.ReasonName, f.CodeName())
	}
	s := &sheet{width: width}
	s.lines(printable(headline) + ": " + printable(r.why()))
	s.WriteString("\n")
	s.rows(labelWidth, row{"User", printable(r.command.User)}, row{"Pool", printable(r.command.Pool)})
	s.rows(labelWidth, r.effect()...)
	s.rows(labelWidth, r.actions()...)
	s.rows(labelWidth, r.circumstances()...)
	if rows := r.details(); len(rows) > 0 {
		s.WriteString("\nDetails:\n")
		s.list(rows...)
	}
	return s.text()
}

// why is the message without what to do, which has a row of its own.
func (r *report) why() string {
	f := r.answer.failure
	if known, ok := r.reason(); ok && f.Message == known.Message(r.answer.outcome(), r.unknown()) {
		return known.Message("", "")
	}
	return f.Message
}

// effect is what the call did to the user.
func (r *report) effect() []row {
	f := r.answer.failure
	switch {
	case r.answer.unsent && r.answer.doubt != "":
		return []row{{"Outcome", "UNKNOWN: Nothing of the last try was sent to the service, but an earlier one may have confirmed the user, or may still do so."}}
	case r.answer.unsent:
		return []row{{"Outcome", "NOT_SENT: Nothing was sent to the service: the call had no effect and will have none."}}
	case r.answer.interrupted && !f.FromService:
		return []row{{"Outcome", "UNKNOWN: This command was interrupted during the call. The call may have confirmed the user, or may still do so."}}
	case !f.FromService:
		return []row{{"Outcome", "UNKNOWN: The service did not send this status; a proxy, a library, a cut connection, or this " +
			"command's own time limit caused it. The call may have confirmed the user, or may still do so."}}
	}
	rows := []row{{"Outcome", r.glossary.outcome(r.answer.outcome())}}
	switch {
	case f.Applied():
		rows = append(rows, row{"", "The user is CONFIRMED. The work of the pool's trigger is missing, and another call does not run it again."})
	case f.Repeated() && r.answer.tries == 1:
		rows = append(rows, row{"", "A library or a proxy had sent this call before; that call may have confirmed the user."})
	}
	return rows
}

// actions are what to do now.
func (r *report) actions() []row {
	f := r.answer.failure
	var rows []row
	if do := r.do(); do != "" {
		rows = append(rows, row{"Do", do})
	}
	if !r.certain() {
		again := "Run this command again"
		if r.command.Strict {
			again += " without --strict"
		}
		rows = append(rows, row{"Find out", again + "; success means that the user is confirmed."})
	}
	if f.Retryable() && f.RetryDelay > 0 {
		rows = append(rows, row{"Wait", fmt.Sprintf("%s before the next call.", f.RetryDelay)})
	}
	return rows
}

// certain tells whether it is known what all tries together did.
func (r *report) certain() bool {
	return r.answer.failure.Applied() || r.notApplied()
}

// notApplied tells whether none of the tries had an effect or will have one.
func (r *report) notApplied() bool {
	return (r.answer.failure.NotApplied() || r.answer.unsent) && r.answer.doubt == ""
}

// do is what the contract says to do, or a general advice for a reason that this program does not know. What the
// contract says after UNKNOWN is said by actions in this command's words.
func (r *report) do() string {
	f := r.answer.failure
	known, ok := r.reason()
	switch {
	case r.answer.interrupted && !f.FromService:
		return ""
	case r.answer.unsent:
		return fmt.Sprintf("Check that the service runs, that its address is %s, and that it takes connections %s.",
			printable(r.command.Address), r.command.manner(r.target))
	case !f.FromService:
		return fmt.Sprintf("Check that the service runs and that its address is %s.", printable(r.command.Address))
	case ok && r.command.Strict && f.Reason == useradminv1.ErrorReason_ERROR_REASON_USER_ALREADY_CONFIRMED && r.certain():
		return "If a confirmed user is what you want, run this command without --strict."
	case ok:
		return known.Do(r.answer.outcome(), "")
	case f.Retryable():
		return "Send the same call again."
	case f.NotApplied():
		return "Act on the code and the message; this program does not know the reason."
	default:
		return ""
	}
}

// reason is what the contract says about the reason.
func (r *report) reason() (schema.Reason, bool) {
	return r.glossary.reason(r.answer.failure.ReasonName)
}

// unknown is what the contract says to do after an unknown outcome of this call.
func (r *report) unknown() string {
	for _, v := range r.glossary.unknowns {
		if v.Name == "ConfirmSignUp" {
			return v.Comment
		}
	}
	return ""
}

// details are the ErrorInfo's metadata and all details that the report does not have elsewhere.
func (r *report) details() []row {
	f := r.answer.failure
	var rows []row
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		// What is not known is empty, 0 or false.
		if value := f.Metadata[key]; key != "outcome" && value != "" && value != "0" && value != "false" {
			rows = append(rows, row{printable(key), printable(value)})
		}
	}
	for _, v := range f.Violations {
		text := v.Description
		if v.Reason != "" {
			text = v.Reason + ": " + text
		}
		rows = append(rows, row{printable(v.Field), printable(text)})
	}
	printed := []protoreflect.FullName{"google.rpc.ErrorInfo", "google.rpc.RequestInfo", "google.rpc.RetryInfo", "google.rpc.BadRequest"}
	for _, detail := range status.Convert(r.answer.err).Proto().GetDetails() {
		if !f.FromService || !slices.Contains(printed, detail.MessageName()) {
			rows = append(rows, detailRows(detail)...)
		}
	}
	return rows
}

// jsonReport always has all members.
type jsonReport struct {
	Pool       string            `json:"user_pool_id"`
	User       string            `json:"username"`
	Confirmed  bool              `json:"confirmed"`
	Result     string            `json:"result"`
	Code       string            `json:"code"`
	Reason     string            `json:"reason"`
	Outcome    string            `json:"outcome"`
	Message    string            `json:"message"`
	Do         string            `json:"do"`
	From       bool              `json:"from_service"`
	NotApplied bool              `json:"not_applied"`
	Applied    bool              `json:"applied"`
	Retryable  bool              `json:"retryable"`
	RetryDelay float64           `json:"retry_delay_seconds"`
	RequestID  string            `json:"request_id"`
	Tries      int               `json:"tries"`
	Doubt      bool              `json:"earlier_try_may_have_confirmed"`
	Stopped    bool              `json:"interrupted"`
	Violations []jsonViolation   `json:"violations"`
	Metadata   map[string]string `json:"metadata"`
	Details    []json.RawMessage `json:"details"`
}

type jsonViolation struct {
	Field       string `json:"field"`
	Reason      string `json:"reason"`
	Description string `json:"description"`
}

func (r *report) json(w io.Writer) error {
	f := r.answer.failure
	j := jsonReport{
		Pool: r.command.Pool, User: r.command.User, Stopped: r.answer.interrupted,
		Confirmed: r.answer.err == nil || f.Applied(), From: true, Code: f.CodeName(),
		RequestID: r.answer.requestID, Tries: r.answer.tries, Doubt: r.answer.doubt != "",
		Violations: []jsonViolation{}, Metadata: f.Metadata, Details: []json.RawMessage{},
	}
	if r.answer.err == nil {
		j.Result = r.result()
	} else {
		var do []string
		for _, action := range r.actions() {
			do = append(do, action.text)
		}
		j.Reason, j.Outcome, j.Message, j.Do = f.ReasonName, r.answer.outcome(), f.Message, strings.Join(do, " ")
		j.From, j.NotApplied, j.Applied = f.FromService, r.notApplied(), f.Applied()
		j.Retryable, j.RetryDelay = f.Retryable(), f.RetryDelay.Seconds()
		for _, v := range f.Violations {
			j.Violations = append(j.Violations, jsonViolation(v))
		}
		for _, detail := range status.Convert(r.answer.err).Proto().GetDetails() {
			j.Details = append(j.Details, detailJSON(detail))
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(j)
}

// detailJSON is the canonical JSON of a detail, or its bytes if this program does not know the type.
func detailJSON(detail *anypb.Any) json.RawMessage {
	text, err := protojson.Marshal(detail)
	var compact bytes.Buffer
	if err == nil && json.Compact(&compact, text) == nil {
		return compact.Bytes()
	}
	text, err = json.Marshal(map[string]any{"@type": detail.GetTypeUrl(), "value": detail.GetValue()})
	if err != nil {
		return json.RawMessage("{}")
	}
	return text
}
