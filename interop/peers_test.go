//go:build interop

package interop

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognito.internal/useradmin/server"
)

// peer is another emulator of Cognito.
type peer struct {
	name    string
	command func(host, port string) []string
	// environment has variables for the program.
	environment func(host, port string) []string
	username    string
	steps       []step
}

// step is a call and its answer; deviation says how AWS differs, if it does.
type step struct {
	name, pool, username string
	allow                bool
	want                 string
	deviation            string
}

const noPool = region + "_NoSuchPool"

func peers() []peer {
	return []peer{
		{
			name:     "moto 5.2.5",
			command:  func(host, port string) []string { return []string{"moto_server", "-H", host, "-p", port} },
			username: "new-user",
			steps: []step{
				{name: "unconfirmed", username: "new-user", want: "OK RESULT_CONFIRMED"},
				{name: "again", username: "new-user", want: "OK RESULT_CONFIRMED", deviation: "moto confirms a user of any status; AWS: USER_ALREADY_CONFIRMED"},
				{name: "allowed", username: "new-user", allow: true, want: "OK RESULT_CONFIRMED", deviation: "as above; AWS: RESULT_ALREADY_CONFIRMED"},
				{name: "no user", username: "nobody", want: "NOT_FOUND USER_NOT_FOUND NOT_APPLIED"},
				{name: "no pool", pool: noPool, username: "nobody", want: "NOT_FOUND USER_POOL_NOT_FOUND NOT_APPLIED"},
			},
		},
		{
			name:        "cognito-local 5.3.0",
			command:     func(string, string) []string { return []string{"cognito-local"} },
			environment: func(host, port string) []string { return []string{"HOST=" + host, "PORT=" + port} },
			username:    "new-user@example.com", // its new pools require an e-mail address
			steps: []step{
				{name: "unconfirmed", username: "new-user@example.com", want: "OK RESULT_CONFIRMED"},
				{name: "again", username: "new-user@example.com", want: "FAILED_PRECONDITION USER_ALREADY_CONFIRMED NOT_APPLIED"},
				{name: "allowed", username: "new-user@example.com", allow: true, want: "OK RESULT_ALREADY_CONFIRMED"},
				{name: "no user", username: "nobody@example.com", want: "PERMISSION_DENIED NOT_AUTHORIZED NOT_APPLIED", deviation: "cognito-local returns NotAuthorizedException; AWS: USER_NOT_FOUND"},
				{name: "no pool", pool: noPool, username: "nobody@example.com", want: "NOT_FOUND USER_POOL_NOT_FOUND NOT_APPLIED"},
			},
		},
	}
}

// The service works in front of other emulators, whose known deviations from AWS have not changed.
func TestPeers(t *testing.T) {
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				t.Fatal(err)
			}
			environment := []string{}
			if p.environment != nil {
				environment = p.environment(host, port)
			}
			output := runIn(t, t.TempDir(), p.command(host, port), environment...)
			keys := credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")
			admin := cognitoidentityprovider.NewFromConfig(aws.Config{Region: region, Credentials: keys}, func(o *cognitoidentityprovider.Options) {
				o.BaseEndpoint = aws.String("http://" + address)
			})
			pool := signUp(t, admin, p.username, output)
			service := newReplica(t, newClient(t, "http://"+address, 1, keys), server.Config{})
			t.Cleanup(func() { service.stop(t) })
			calling := newGoCaller(t)
			for _, s := range p.steps {
				r := request{Address: service.address, UserPoolID: pool, Username: s.username, AllowConfirmed: s.allow}
				if s.pool != "" {
					r.UserPoolID = s.pool
				}
				got := calling.call(t, r)
				word := "as AWS"
				if s.deviation != "" {
					word = s.deviation
				}
				deviations.set(p.name, s.name, s.want, word)
				if got.short() != s.want {
					t.Errorf("%s: %s, want %s", s.name, got.short(), s.want)
				}
			}
		})
	}
}

// signUp creates a user pool with an unconfirmed user as soon as the peer serves.
func signUp(t *testing.T, admin *cognitoidentityprovider.Client, username string, output *output) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var pool *cognitoidentityprovider.CreateUserPoolOutput
	var err error
	for ctx.Err() == nil {
		pool, err = admin.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{PoolName: aws.String("interop")})
		if err == nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	id := pool.UserPool.Id
	client, err := admin.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{UserPoolId: id, ClientName: aws.String("interop")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = admin.SignUp(ctx, &cognitoidentityprovider.SignUpInput{
		ClientId: client.UserPoolClient.ClientId, Username: &username, Password: aws.String("Interop-2026!"),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("new-user@example.com")}},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return *id
}
