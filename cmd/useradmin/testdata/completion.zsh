#compdef useradmin
# Completion of useradmin for zsh, printed by: useradmin completion zsh

_useradmin() {
    local curcontext=$curcontext state line
    local -a commands
    commands=(
        'serve:Run the service in front of Amazon Cognito'
        'dev:Run the service with an embedded Cognito on loopback, to try it and to test callers'
        'confirm:Confirm a user'\''s sign-up by calling a running service'
        'health:Ask a running service for its health'
        'explain:Explain a reason, a gRPC code or an exception'
        'policy:Check a policy, or explain what it decides'
        'audit:Read an audit log'
        'completion:Print a script for completion in bash, zsh or fish'
        'version:Print the version'
    )
    _arguments -C \
        '(-h --help)-h[Print this help]' \
        '(-h --help)--help[Print this help]' \
        '(--version)--version[Print the version]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
    command)
        _describe command commands ;;
    argument)
        case $words[1] in
        serve)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '(--listen)--listen=[Where to serve gRPC]:listen: ' \
                '(--listen-mode)--listen-mode=[The mode of Unix sockets, in octal]:listen-mode: ' \
                '(--admin-listen)--admin-listen=[Where to serve /metrics, /livez and /readyz over HTTP]:admin-listen: ' \
                '(--attempts)--attempts=[The most attempts that a call makes at Cognito]:attempts: ' \
                '(--attempt-timeout)--attempt-timeout=[The most time that one attempt takes]:attempt-timeout: ' \
                '(--call-timeout)--call-timeout=[The most time that a call takes that comes without a deadline]:call-timeout: ' \
                '(--max-connections)--max-connections=[The most attempts at Cognito at once, and connections to it]:max-connections: ' \
                '(--max-wait)--max-wait=[The most time that an attempt waits to be one of them, and never more than a fifth of the time that the call has left]:max-wait: ' \
                '(--drain-timeout)--drain-timeout=[The most time from the signal to the end]:drain-timeout: ' \
                '(--log-level)--log-level=[debug, info, warn or error]:log-level:(debug info warn error)' \
                '(--max-calls)--max-calls=[The most calls at once, streams too]:max-calls: ' \
                '(--max-client-connections)--max-client-connections=[The most connections of callers]:max-client-connections: ' \
                '(--authn)--authn=[How callers prove who they are]:authn:(none mtls xfcc)' \
                '(--tls-cert)--tls-cert=[For mtls]:tls-cert: ' \
                '(--tls-key)--tls-key=[For mtls]:tls-key: ' \
                '(--tls-client-ca)--tls-client-ca=[For mtls]:tls-client-ca: ' \
                '(--tls-min)--tls-min=[For mtls]:tls-min:(1.2 1.3)' \
                '(--policy)--policy=[Who may call what, in Cedar]:policy: ' \
                '(--audit)--audit=[File of the audit log]:audit: ' \
                '(--audit-key)--audit-key=[The key of the HMACs that stand for usernames in the audit log, at least 32 bytes]:audit-key: ' \
                '(--region)--region=[The AWS Region of the user pools]:region: ' \
                '(--cognito-endpoint)--cognito-endpoint=[An endpoint to use instead of Cognito'\''s own]:cognito-endpoint: ' \
                '(--drain-delay)--drain-delay=[How long to go on serving after health says NOT_SERVING, so that balancers see it]:drain-delay: ' \
                '(--log-format)--log-format=[json or text]:log-format:(json text)' \
                '(--reflection)--reflection[Serve gRPC reflection]' \
                '(--no-reflection)--no-reflection[The opposite of --reflection]' \
                '(--admin-open)--admin-open[Allow an address that the network reaches for --admin-listen]' \
                '(--i-accept-unauthenticated-network-access)--i-accept-unauthenticated-network-access[Allow an address that the network reaches for --listen]' \
                && return 0 ;;
        dev)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '(--listen)--listen=[Where to serve gRPC]:listen: ' \
                '(--listen-mode)--listen-mode=[The mode of Unix sockets, in octal]:listen-mode: ' \
                '(--admin-listen)--admin-listen=[Where to serve /metrics, /livez and /readyz over HTTP]:admin-listen: ' \
                '(--attempts)--attempts=[The most attempts that a call makes at Cognito]:attempts: ' \
                '(--attempt-timeout)--attempt-timeout=[The most time that one attempt takes]:attempt-timeout: ' \
                '(--call-timeout)--call-timeout=[The most time that a call takes that comes without a deadline]:call-timeout: ' \
                '(--max-connections)--max-connections=[The most attempts at Cognito at once, and connections to it]:max-connections: ' \
                '(--max-wait)--max-wait=[The most time that an attempt waits to be one of them, and never more than a fifth of the time that the call has left]:max-wait: ' \
                '(--drain-timeout)--drain-timeout=[The most time from the signal to the end]:drain-timeout: ' \
                '(--log-level)--log-level=[debug, info, warn or error]:log-level:(debug info warn error)' \
                '(--max-calls)--max-calls=[The most calls at once, streams too]:max-calls: ' \
                '(--max-client-connections)--max-client-connections=[The most connections of callers]:max-client-connections: ' \
                '(--authn)--authn=[How callers prove who they are]:authn:(none mtls)' \
                '(--cognito-listen)--cognito-listen=[Where the embedded Cognito listens, on loopback]:cognito-listen: ' \
                '(--log-format)--log-format=[json or text]:log-format:(json text)' \
                && return 0 ;;
        confirm)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '*--metadata=[Client metadata for the pool'\''s PostConfirmation trigger]:metadata: ' \
                '(--address)--address=[The address of the service]:address: ' \
                '(--ca)--ca=[PEM file of the certificates to trust instead of the system'\''s]:ca:_files' \
                '(--cert)--cert=[PEM file of the certificate that names this caller, where the service asks for one]:cert:_files' \
                '(--key)--key=[PEM file of the private key of --cert, not encrypted]:key:_files' \
                '(--plaintext)--plaintext[Do not encrypt the connection, wherever it leads]' \
                '(--strict)--strict[Fail with USER_ALREADY_CONFIRMED if the user is already confirmed, as Cognito does]' \
                '(--timeout)--timeout=[The time limit for the command]:timeout: ' \
                '(--output)--output=[The output format]:output:(text json)' \
                '1:pool: ' \
                '2:user: ' \
                && return 0 ;;
        health)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '(--ca)--ca=[PEM file of the certificates to trust instead of the system'\''s]:ca:_files' \
                '(--cert)--cert=[PEM file of the certificate that names this caller, where the service asks for one]:cert:_files' \
                '(--key)--key=[PEM file of the private key of --cert, not encrypted]:key:_files' \
                '(--plaintext)--plaintext[Do not encrypt the connection, wherever it leads]' \
                '(--service)--service=[Whose health]:service: ' \
                '(--timeout)--timeout=[The time limit for the command]:timeout: ' \
                '1:address: ' \
                && return 0 ;;
        explain)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '1:name:{compadd -M '\''m:{a-z-}={A-Z_}'\'' -- INVALID_REQUEST INVALID_PARAMETER USER_POOL_NOT_FOUND USER_NOT_FOUND USER_ALREADY_CONFIRMED USER_NOT_CONFIRMABLE USER_DISABLED NOT_AUTHORIZED LAMBDA_REJECTED LAMBDA_FAILED LAMBDA_RESPONSE_INVALID OPERATION_NOT_ENABLED TOO_MANY_REQUESTS LIMIT_EXCEEDED TOO_MANY_FAILED_ATTEMPTS COGNITO_INTERNAL_ERROR COGNITO_UNREACHABLE COGNITO_UNAVAILABLE COGNITO_RESPONSE_LOST COGNITO_ACCESS_DENIED COGNITO_CREDENTIALS COGNITO_OPERATION_UNSUPPORTED UNRECOGNIZED_EXCEPTION DEADLINE_EXCEEDED CANCELLED SERVER_STOPPING INTERNAL POOL_BUSY CALLER_BUSY OVERLOADED UNAUTHENTICATED CALLER_NOT_ALLOWED AUDIT_UNAVAILABLE NOT_SENT NOT_APPLIED APPLIED UNKNOWN CONFIRMED ALREADY_CONFIRMED CONFIRMED_UNATTRIBUTED OK INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED UNAVAILABLE DATA_LOSS outcome attempts exception cognitoRequestId repeated violation violationsOmitted reasonCode userStatus trigger lambdaError AccessDenied AccessDeniedException ExpiredToken ExpiredTokenException IncompleteSignature IncompleteSignatureException InternalErrorException InternalFailure InvalidAction InvalidClientTokenId InvalidLambdaResponseException InvalidParameterException InvalidSignature InvalidSignatureException LimitExceededException MissingAuthenticationToken MissingAuthenticationTokenException NotAuthorizedException OperationNotEnabledException OptInRequired OptInRequiredException RequestEntityTooLarge RequestEntityTooLargeException RequestExpired RequestExpiredException RequestLimitExceeded RequestThrottled RequestThrottledException RequestTimeout RequestTimeoutException ResourceNotFoundException Serialization SerializationException ServiceUnavailable ServiceUnavailableException SignatureDoesNotMatch Throttled ThrottledException Throttling ThrottlingException TooManyFailedAttemptsException TooManyRequestsException UnexpectedLambdaException UnknownOperation UnknownOperationException UnrecognizedClient UnrecognizedClientException UserLambdaValidationException UserNotFoundException Validation ValidationError ValidationException}' \
                && return 0 ;;
        policy)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '(--caller)--caller=[Who calls]:caller: ' \
                '(--method)--method=[What is called]:method: ' \
                '(--pool)--pool=[The id of the user pool, for ConfirmSignUp]:pool: ' \
                '*--key=[A key of the client metadata]:key: ' \
                '(--allow-confirmed)--allow-confirmed[The call has allow_confirmed]' \
                '1:command:(check explain)' \
                '2:file:_files' \
                && return 0 ;;
        audit)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '(--audit-key)--audit-key=[The key, as serve has it]:audit-key:_files' \
                '1:command:(pending hash)' \
                '2:file:_files' \
                && return 0 ;;
        completion)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                '1:bash|zsh|fish:(bash zsh fish)' \
                && return 0 ;;
        version)
            _arguments \
                '(-h --help)-h[Print this help]' \
                '(-h --help)--help[Print this help]' \
                '(--version)--version[Print the version]' \
                && return 0 ;;
        esac ;;
    esac
}

if [[ $funcstack[1] == _useradmin ]]; then
    _useradmin "$@"
else
    compdef _useradmin useradmin
fi
