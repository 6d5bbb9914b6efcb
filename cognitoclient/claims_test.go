package cognitoclient_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"pgregory.net/rapid"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/internal/memnet"
)

// The state machine: random calls meet random faults on each attempt, while third parties change the user. Every
// claim is compared with the journal of the embedded Cognito, which knows who confirmed the user and when.

const (
	poolID   = "us-east-1_EXAMPLE01"
	username = "user-1"
)

// script is all that is random about a sequence.
type script struct {
	user    fakecognito.User
	trigger int
	calls   []scriptedCall
	deeds   []deed
	slots   int
	dials   []int // what becomes of the n-th dial: 0 is well, 1 refused, 2 hangs
}

type scriptedCall struct {
	start          time.Duration
	allowConfirmed bool
	repeatOf       int // the earlier call that this one repeats, or -1
	deadline       time.Duration
	cancel         time.Duration
	stop           time.Duration
	faults         []int // by attempt, an index of faults
	delay          time.Duration
}

// Kinds of the pool's trigger.
const (
	none = iota
	working
	failing
	hanging
	rubbish
)

// deed is what a third party does to the user.
type deed struct {
	at   time.Duration
	what int
}

// claimed is a call that has ended.
type claimed struct {
	start, end time.Time
	result     cognitoclient.Result
	err        *cognitoclient.Error
}

func faults(delay time.Duration) []fakecognito.Fault {
	applied := func(name string, status int) fakecognito.Fault {
		f := fakecognito.Throw(name, "")
		f.Effect, f.Exception.Status = fakecognito.EffectNow, status
		return f
	}
	throttledTrigger := applied("TooManyRequestsException", 400)
	throttledTrigger.Exception.Message = "PostConfirmation invocation failed due to error Rate Exceeded."
	contradiction := fakecognito.Fault{Answer: fakecognito.AnswerBody, Status: 400, Body: `{"__type":"UserNotFoundException"}`,
		Header: http.Header{"X-Amzn-Errortype": {"ResourceNotFoundException"}}}
	long := fakecognito.HugeBody()
	long.Size = 128 << 10
	return []fakecognito.Fault{
		fakecognito.None(), fakecognito.Slow(delay), fakecognito.ResetBeforeReading(), fakecognito.ResetAfterProcessing(),
		fakecognito.ApplyLate(delay), fakecognito.HangAndApplyLate(delay), fakecognito.Hang(), fakecognito.HangAfterProcessing(),
		fakecognito.Truncated(), fakecognito.HTML(200), fakecognito.HTML(502), fakecognito.EmptyOK(), fakecognito.NoContent(),
		fakecognito.Redirect("http://127.0.0.1/"), long, fakecognito.ExpiredCredentials(),
		fakecognito.Throw("TooManyRequestsException", ""), fakecognito.Throw("LimitExceededException", ""),
		fakecognito.Throw("AccessDeniedException", ""), applied("ServiceUnavailable", 503),
		applied("InternalErrorException", 500), applied("BrandNewException", 400), fakecognito.HTML(408),
		throttledTrigger, contradiction,
	}
}

func drawScript(t *rapid.T) script {
	soon := rapid.Map(rapid.IntRange(0, 500), milliseconds)
	someday := rapid.Map(rapid.IntRange(0, 40_000), milliseconds)
	moment := rapid.OneOf(soon, soon, someday)
	seldom := func(g *rapid.Generator[time.Duration]) *rapid.Generator[time.Duration] {
		never := rapid.Just(time.Duration(0))
		return rapid.OneOf(never, never, never, never, never, never, g)
	}
	statuses := append(fakecognito.Statuses(), slices.Repeat([]fakecognito.Status{fakecognito.StatusUnconfirmed}, 8)...)
	statuses = append(statuses, fakecognito.StatusConfirmed, fakecognito.StatusConfirmed)
	s := script{
		user: fakecognito.User{
			Username: username,
			Status:   rapid.SampledFrom(statuses).Draw(t, "status"),
			Disabled: rapid.IntRange(0, 9).Draw(t, "disabled") == 0,
		},
		trigger: rapid.SampledFrom([]int{none, none, none, working, working, working, failing, failing, hanging, rubbish}).Draw(t, "trigger"),
		slots:   rapid.SampledFrom([]int{cognitoclient.DefaultMaxConnections, cognitoclient.DefaultMaxConnections, 1, 2, 3}).Draw(t, "slots"),
		dials:   rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2}), 0, 4).Draw(t, "dials"),
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "calls") {
		c := scriptedCall{
			start:          moment.Draw(t, "start"),
			allowConfirmed: rapid.Bool().Draw(t, "allowConfirmed"),
			repeatOf:       -1,
			deadline:       seldom(moment).Draw(t, "deadline"),
			cancel:         seldom(moment).Draw(t, "cancel"),
			stop:           seldom(moment).Draw(t, "stop"),
			faults:         rapid.SliceOfN(rapid.IntRange(0, len(faults(0))-1), 0, 3).Draw(t, "faults"),
			delay:          moment.Draw(t, "delay"),
		}
		if i > 0 && rapid.IntRange(0, 2).Draw(t, "repeats") == 0 {
			c.repeatOf = rapid.IntRange(0, i-1).Draw(t, "repeatOf")
			c.start += s.calls[c.repeatOf].start
		}
		s.calls = append(s.calls, c)
	}
	for range rapid.IntRange(0, 3).Draw(t, "deeds") {
		s.deeds = append(s.deeds, deed{at: moment.Draw(t, "at"), what: rapid.IntRange(0, 6).Draw(t, "what")})
	}
	return s
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// stage is one sequence at work, inside a bubble of its own time.
type stage struct {
	script  script
	cognito *fakecognito.Server
	network *memnet.Listener
	client  *cognitoclient.Client
	mu      sync.Mutex
	dialled int
	met     map[int]int // attempts that arrived, by call
}

func play(s script) ([]claimed, []fakecognito.Entry, error) {
	st := &stage{script: s, network: memnet.Listen(), met: map[int]int{}}
	st.cognito = fakecognito.New(fakecognito.Config{Fault: st.fault})
	if err := st.cognito.AddPool(fakecognito.Pool{ID: poolID, Users: []fakecognito.User{s.user}, PostConfirmation: trigger(s.trigger)}); err != nil {
		return nil, nil, err
	}
	web := &http.Server{Handler: st.cognito, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(st.network) }()
	var err error
	st.client, err = cognitoclient.New(cognitoclient.Config{
		AWS: aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(
			fakecognito.DefaultAccessKeyID, fakecognito.DefaultSecretAccessKey, "")},
		Endpoint:       "http://127.0.0.1",
		DialContext:    st.dial,
		MaxConnections: s.slots,
		Random:         func() float64 { return 0.5 },
	})
	if err != nil {
		return nil, nil, err
	}
	claims := make([]claimed, len(s.calls))
	var wg sync.WaitGroup
	for i, c := range s.calls {
		wg.Go(func() { claims[i] = st.call(i, c) })
	}
	for _, d := range s.deeds {
		wg.Go(func() { st.do(d) })
	}
	wg.Wait()
	st.cognito.Settle() // what lands late has landed
	journal := st.cognito.Journal()
	st.cognito.Close()
	_ = web.Close()
	time.Sleep(time.Minute) // a bubble's time stops with this goroutine, and a dial may still hang
	return claims, journal, nil
}

func (st *stage) call(i int, c scriptedCall) claimed {
	time.Sleep(c.start)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if c.deadline > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, c.deadline)
		defer done()
	}
	if c.cancel > 0 {
		defer time.AfterFunc(c.cancel, func() { cancel(nil) }).Stop()
	}
	if c.stop > 0 {
		defer time.AfterFunc(c.stop, func() { cancel(errors.New("the server stops")) }).Stop()
	}
	out := claimed{start: time.Now()}
	var err error
	out.result, err = st.client.ConfirmSignUp(ctx, cognitoclient.ConfirmSignUp{
		UserPoolID: poolID, Username: username, AllowConfirmed: c.allowConfirmed, Repeated: c.repeatOf >= 0, ID: strconv.Itoa(i),
	})
	out.end = time.Now()
	errors.As(err, &out.err)
	return out
}

// fault is the script's for the call's next attempt.
func (st *stage) fault(r fakecognito.Request) fakecognito.Fault {
	st.mu.Lock()
	defer st.mu.Unlock()
	call := callOf(r)
	n := st.met[call]
	st.met[call]++
	c := st.script.calls[call]
	if n >= len(c.faults) {
		return fakecognito.None()
	}
	return faults(c.delay)[c.faults[n]]
}

func (st *stage) dial(ctx context.Context, network, address string) (net.Conn, error) {
	st.mu.Lock()
	kind := 0
	if st.dialled < len(st.script.dials) {
		kind = st.script.dials[st.dialled]
	}
	st.dialled++
	st.mu.Unlock()
	switch kind {
	case 1:
		return nil, syscall.ECONNREFUSED
	case 2:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Second):
			return nil, syscall.ETIMEDOUT
		}
	}
	return st.network.Dial(ctx, network, address)
}

func (st *stage) do(d deed) {
	time.Sleep(d.at)
	switch d.what { // each may fail, as the user may be gone
	case 0:
		_ = st.cognito.Confirm(poolID, username)
	case 1:
		_ = st.cognito.DeleteUser(poolID, username)
	case 2:
		_ = st.cognito.SetDisabled(poolID, username, true)
	case 3:
		_ = st.cognito.SetDisabled(poolID, username, false)
	case 4:
		_ = st.cognito.SetStatus(poolID, username, fakecognito.StatusResetRequired)
	case 5:
		_ = st.cognito.SetStatus(poolID, username, fakecognito.StatusUnconfirmed)
	case 6:
		_ = st.cognito.AddUser(poolID, fakecognito.User{Username: username})
	}
}

// callOf is the call that a request belongs to: its User-Agent has our id of the call.
func callOf(r fakecognito.Request) int {
	_, id, _ := strings.Cut(r.UserAgent, "request/")
	call, err := strconv.Atoi(id)
	if err != nil {
		panic(err)
	}
	return call
}

func trigger(kind int) fakecognito.Trigger {
	switch kind {
	case none:
		return nil
	case failing:
		return func(context.Context, fakecognito.Event) (any, error) { return nil, errors.New("no seat left") }
	case hanging:
		return func(ctx context.Context, _ fakecognito.Event) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
	case rubbish:
		return func(context.Context, fakecognito.Event) (any, error) { return "rubbish", nil }
	default:
		return func(_ context.Context, e fakecognito.Event) (any, error) { return e, nil }
	}
}

// calm reports whether nothing in the script excuses an unknown outcome. Waiting for a slot does not, and a trigger that fails
// does not, where Cognito names it, nobody else changes the user, and the look at the user gets its slot.
func (s script) calm() bool {
	if s.trigger == rubbish || s.trigger > working && (len(s.deeds) > 0 || s.slots < len(s.calls)*2) {
		return false
	}
	if slices.ContainsFunc(s.dials, func(kind int) bool { return kind != 0 }) {
		return false
	}
	return !slices.ContainsFunc(s.calls, func(c scriptedCall) bool {
		return c.deadline+c.cancel+c.stop > 0 || c.repeatOf >= 0 || slices.ContainsFunc(c.faults, func(f int) bool { return f != 0 })
	})
}

// check compares the claims with the journal. It returns what is wrong, or nothing.
func check(s script, claims []claimed, journal []fakecognito.Entry) string {
	for i, c := range claims {
		first := s.calls[i].repeatOf
		own := confirmedBy(journal, i)
		ever := own || first >= 0 && confirmedBy(journal, first)
		switch {
		case c.err == nil && !confirmedWithin(journal, c.start, c.end):
			return fmt.Sprintf("call %d: OK, but the user was never confirmed during it", i)
		case c.err == nil && c.result.Attribution == cognitoclient.ByThisCall && !own:
			return fmt.Sprintf("call %d: claims to have confirmed the user", i)
		case c.err == nil && c.result.Attribution == cognitoclient.BeforeThisCall && ever:
			return fmt.Sprintf("call %d: claims that somebody else confirmed the user", i)
		case c.err == nil:
		case promises(c.err) && ever:
			return fmt.Sprintf("call %d: %v, but it confirmed the user", i, c.err)
		case promises(c.err) && first >= 0:
			return fmt.Sprintf("call %d: %v, but it is a repeat", i, c.err)
		case c.err.Outcome == cognitoclient.Applied && (!own || count(journal, fakecognito.KindTriggerFailed, i) == 0 || !confirmedWithin(journal, c.start, c.end)):
			return fmt.Sprintf("call %d: %v, but its trigger did not fail with the user confirmed", i, c.err)
		case c.err.Outcome == cognitoclient.Unknown && s.calm():
			return fmt.Sprintf("call %d: %v, but nothing was lost", i, c.err)
		case c.err.Outcome == cognitoclient.Unknown && first < 0 && c.err.Cause.Promises():
			return fmt.Sprintf("call %d: %v, which reads as a refusal", i, c.err)
		case c.err.Outcome == cognitoclient.NotSent && received(journal, i) > 0:
			return fmt.Sprintf("call %d: %v, but a request arrived", i, c.err)
		case received(journal, i) > c.err.Attempts:
			return fmt.Sprintf("call %d: %v, but %d requests arrived", i, c.err, received(journal, i))
		}
	}
	return ""
}

// promises reports whether the error says that the call had and will have no effect.
func promises(e *cognitoclient.Error) bool {
	return e.Outcome == cognitoclient.NotSent || e.Outcome == cognitoclient.NotApplied
}

func received(journal []fakecognito.Entry, call int) int {
	return count(journal, fakecognito.KindReceived, call)
}

func confirmedBy(journal []fakecognito.Entry, call int) bool {
	return count(journal, fakecognito.KindConfirmed, call) > 0
}

func count(journal []fakecognito.Entry, kind fakecognito.Kind, call int) int {
	n := 0
	for _, e := range journal {
		if e.Kind == kind && e.Request.ID != "" && callOf(e.Request) == call {
			n++
		}
	}
	return n
}

// confirmedWithin says whether the user was confirmed at a moment from start to end.
func confirmedWithin(journal []fakecognito.Entry, start, end time.Time) bool {
	confirmed := false
	for _, e := range journal {
		if e.Kind == fakecognito.KindReceived || e.Kind == fakecognito.KindDenied || e.Username == "" {
			continue
		}
		if confirmed && !e.Time.Before(start) {
			return true // until this entry
		}
		if e.Time.After(end) {
			return false
		}
		confirmed = e.Kind != fakecognito.KindDeleted && e.Status == fakecognito.StatusConfirmed
	}
	return confirmed
}

// sequences is how many the test plays: enough for CI unless -short or a flag says otherwise.
func sequences(t *testing.T) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if given {
		return
	}
	n := "20000"
	if testing.Short() {
		n = "1000"
	}
	if err := flag.Set("rapid.checks", n); err != nil {
		t.Fatal(err)
	}
}

func TestEveryClaimHolds(t *testing.T) {
	sequences(t)
	seen, played, calm := map[string]int{}, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt)
		var claims []claimed
		var journal []fakecognito.Entry
		var err error
		synctest.Test(t, func(*testing.T) { claims, journal, err = play(s) })
		if err != nil {
			rt.Fatal(err)
		}
		if wrong := check(s, claims, journal); wrong != "" {
			rt.Fatalf("%s\nscript %+v\njournal %+v", wrong, s, journal)
		}
		played++
		if s.calm() {
			calm++
		}
		for _, c := range claims {
			seen[kind(c)]++
			if c.err != nil && (c.err.Cause == cognitoclient.PoolBusy || c.err.Cause == cognitoclient.Overloaded) {
				seen["without a slot"]++
			}
		}
	})
	t.Logf("%d sequences, %d of them calm", played, calm)
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%7d %s", seen[name], name)
	}
	if testing.Short() {
		return // too few to say what the scripts lead to
	}
	for _, name := range []string{"confirmed", "already confirmed", "confirmed unattributed", "NOT_SENT", "NOT_APPLIED", "APPLIED", "UNKNOWN", "without a slot"} {
		if seen[name] < played/100 {
			t.Errorf("%s was claimed %d times: the scripts hardly lead there", name, seen[name])
		}
	}
}

func kind(c claimed) string {
	if c.err != nil {
		return c.err.Outcome.String()
	}
	return [...]string{"", "confirmed", "already confirmed", "confirmed unattributed"}[c.result.Attribution]
}
