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
)

// report tells people and programs what came of a command.
type report struct {
	command  *confirmCommand
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
		_, err = io.WriteString(std.Out, r.success())
	default:
		_, err = io.WriteString(std.Err, r.failure())
	}
	return err
}

func (r *report) success() string {
	var b strings.Builder
	result, meaning := r.result()
	fmt.Fprintf(&b, "%s: %s\n\n", printable(r.command.User), strings.TrimPrefix(result, "RESULT_"))
	writeParagraphs(&b, meaning)
	writeRows(&b, labelWidth, r.circumstances()...)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// result is its name and what it means. A result of a newer service's promises no more than that the user is confirmed.
func (r *report) result() (name, meaning string) {
	result := r.answer.response.GetResult()
	value := result.Descriptor().Values().ByNumber(result.Number())
	if result == useradminv1.ConfirmSignUpResponse_RESULT_UNSPECIFIED || value == nil {
		result = useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED_UNATTRIBUTED
		value = result.Descriptor().Values().ByNumber(result.Number())
	}
	return string(value.Name()), r.glossary.schema.Comment(value.FullName())
}

// circumstances are the rows that successes and failures share.
func (r *report) circumstances() []row {
	var rows []row
	if r.answer.requestID != "" {
		rows = append(rows, row{"Request id", printable(r.answer.requestID)})
	}
	switch {
	case r.answer.doubt:
		rows = append(rows, row{"Tries", fmt.Sprintf("%d; one before the last may have confirmed the user", r.answer.tries)})
	case r.answer.tries > 1:
		rows = append(rows, row{"Tries", fmt.Sprint(r.answer.tries)})
	}
	return rows
}

func (r *report) failure() string {
	f := r.answer.failure
	headline := f.CodeName()
	if f.ReasonName != "" {
		headline = fmt.Sprintf("%s (%s)", shortReason(f), f.CodeName())
	}
	var b strings.Builder
	for _, line := range wrap(printable(headline)+": "+printable(f.Message), textWidth) {
		b.WriteString(line + "\n")
	}
	b.WriteString("\n")
	writeRows(&b, labelWidth, r.advice()...)
	writeRows(&b, labelWidth, r.circumstances()...)
	if rows := r.details(); len(rows) > 0 {
		labels := labelWidth
		for _, detail := range rows {
			labels = max(labels, len([]rune(detail.label)))
		}
		b.WriteString("\nDetails:\n")
		writeRows(&b, min(labels, textWidth/2), rows...)
	}
	return b.String()
}

// advice is what the failed call did, and what to do now.
func (r *report) advice() []row {
	f := r.answer.failure
	rows := []row{{"Outcome", r.glossary.outcome(strings.TrimPrefix(f.Outcome.String(), outcomePrefix))}}
	if !f.FromService {
		rows[0].text = "UNKNOWN: This status does not come from the service but from elsewhere: a proxy, a library, a cut " +
			"connection, this command's time limit or its interruption. It can't be told whether the call confirmed the user."
	}
	if f.Repeated() {
		rows = append(rows, row{"", "A library or a proxy had sent this call before; that one may have confirmed the user."})
	}
	// What the schema advises callers to send is told below in this command's own words.
	if do := r.do(); do != "" && (r.certain() || !strings.Contains(do, "allow_confirmed")) {
		rows = append(rows, row{"Do", do})
	}
	if !r.certain() {
		again := "run this command again"
		if r.command.Strict {
			again += " without --strict"
		}
		rows = append(rows, row{"Find out", again + "; success means that the user is confirmed."})
	}
	if f.Retryable() && f.RetryDelay > 0 {
		rows = append(rows, row{"Not before", fmt.Sprintf("%s have passed", f.RetryDelay)})
	}
	return rows
}

// certain tells whether none of the tries had or will have an effect.
func (r *report) certain() bool {
	return r.answer.failure.NotApplied() && !r.answer.doubt
}

// do is the schema's advice, or a general one for the reasons of a newer service.
func (r *report) do() string {
	f := r.answer.failure
	e, known := r.glossary.find(f.ReasonName)
	switch {
	case !f.FromService:
		return fmt.Sprintf("check that the service runs and that %s is its address.", printable(r.command.Address))
	case known && e.note("Do") != "":
		return e.note("Do")
	case f.Retryable():
		return "send the same call again."
	case r.certain():
		return "act on the code and the message; this program does not know the reason."
	default:
		return ""
	}
}

// details are the ErrorInfo's metadata and all details that are not told elsewhere.
func (r *report) details() []row {
	f := r.answer.failure
	var rows []row
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		if key != "outcome" {
			rows = append(rows, row{printable(key), printable(f.Metadata[key])})
		}
	}
	for _, v := range f.Violations {
		text := v.Description
		if v.Reason != "" {
			text = v.Reason + ": " + text
		}
		rows = append(rows, row{printable(v.Field), printable(text)})
	}
	told := []protoreflect.FullName{"google.rpc.ErrorInfo", "google.rpc.RequestInfo", "google.rpc.RetryInfo", "google.rpc.BadRequest"}
	for _, detail := range status.Convert(r.answer.err).Proto().GetDetails() {
		if !f.FromService || !slices.Contains(told, detail.MessageName()) {
			rows = append(rows, detailRows(detail)...)
		}
	}
	return rows
}

// jsonReport always has all members.
type jsonReport struct {
	Confirmed  bool              `json:"confirmed"`
	Result     string            `json:"result"`
	Code       string            `json:"code"`
	Reason     string            `json:"reason"`
	Outcome    string            `json:"outcome"`
	Message    string            `json:"message"`
	Do         string            `json:"do"`
	From       bool              `json:"from_service"`
	NotApplied bool              `json:"not_applied"`
	Retryable  bool              `json:"retryable"`
	RetryDelay float64           `json:"retry_delay_seconds"`
	RequestID  string            `json:"request_id"`
	Tries      int               `json:"tries"`
	Doubt      bool              `json:"earlier_try_may_have_confirmed"`
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
		Confirmed: r.answer.err == nil, From: true, Code: f.CodeName(),
		RequestID: r.answer.requestID, Tries: r.answer.tries, Doubt: r.answer.doubt,
		Violations: []jsonViolation{}, Metadata: f.Metadata, Details: []json.RawMessage{},
	}
	if j.Confirmed {
		j.Result, _ = r.result()
	} else {
		j.Reason, j.Outcome, j.Message, j.Do = f.ReasonName, f.Outcome.String(), f.Message, r.do()
		j.From, j.NotApplied = f.FromService, r.certain()
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

// detailJSON is the canonical JSON of a detail, or its bytes where this program does not know the type.
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
