# Completion of useradmin for bash, printed by: useradmin completion bash

_useradmin() {
    local command='' flag='' arguments=0 ended='' words='' constants='' files='' word i
    local current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $flag ]]; then
            flag=''
        elif [[ -z $ended && $word == -- ]]; then
            ended=yes
        elif [[ -z $ended && $word == -* ]]; then
            case $command:$word in
            serve:--listen | serve:--listen-mode | serve:--admin-listen | serve:--attempts | serve:--attempt-timeout | serve:--call-timeout | serve:--max-connections | serve:--max-wait | serve:--drain-timeout | serve:--log-level | serve:--max-calls | serve:--max-client-connections | serve:--authn | serve:--tls-cert | serve:--tls-key | serve:--tls-client-ca | serve:--tls-min | serve:--policy | serve:--audit | serve:--audit-key | serve:--region | serve:--cognito-endpoint | serve:--drain-delay | serve:--log-format)
                flag=$word ;;
            dev:--listen | dev:--listen-mode | dev:--admin-listen | dev:--attempts | dev:--attempt-timeout | dev:--call-timeout | dev:--max-connections | dev:--max-wait | dev:--drain-timeout | dev:--log-level | dev:--max-calls | dev:--max-client-connections | dev:--authn | dev:--cognito-listen | dev:--log-format)
                flag=$word ;;
            confirm:--metadata | confirm:--address | confirm:--ca | confirm:--cert | confirm:--key | confirm:--timeout | confirm:--output)
                flag=$word ;;
            health:--ca | health:--cert | health:--key | health:--service | health:--timeout)
                flag=$word ;;
            policy:--caller | policy:--method | policy:--pool | policy:--key)
                flag=$word ;;
            audit:--audit-key)
                flag=$word ;;
            esac
        elif [[ -z $command ]]; then
            command=$word
        else
            arguments=$((arguments + 1))
        fi
    done
    if [[ $current == = ]]; then
        current=''
    fi

    if [[ -n $flag ]]; then
        case $command:$flag in
        serve:--log-level)
            words='debug info warn error' ;;
        serve:--authn)
            words='none mtls xfcc' ;;
        serve:--tls-min)
            words='1.2 1.3' ;;
        serve:--log-format)
            words='json text' ;;
        dev:--log-level)
            words='debug info warn error' ;;
        dev:--authn)
            words='none mtls' ;;
        dev:--log-format)
            words='json text' ;;
        confirm:--ca)
            files=yes ;;
        confirm:--cert)
            files=yes ;;
        confirm:--key)
            files=yes ;;
        confirm:--output)
            words='text json' ;;
        health:--ca)
            files=yes ;;
        health:--cert)
            files=yes ;;
        health:--key)
            files=yes ;;
        audit:--audit-key)
            files=yes ;;
        esac
    elif [[ -z $ended && $current == -* ]]; then
        case $command in
        serve)
            words='-h --help --version --listen --listen-mode --admin-listen --attempts --attempt-timeout --call-timeout --max-connections --max-wait --drain-timeout --log-level --max-calls --max-client-connections --authn --tls-cert --tls-key --tls-client-ca --tls-min --policy --audit --audit-key --region --cognito-endpoint --drain-delay --log-format --reflection --no-reflection --admin-open --i-accept-unauthenticated-network-access' ;;
        dev)
            words='-h --help --version --listen --listen-mode --admin-listen --attempts --attempt-timeout --call-timeout --max-connections --max-wait --drain-timeout --log-level --max-calls --max-client-connections --authn --cognito-listen --log-format' ;;
        confirm)
            words='-h --help --version --metadata --address --ca --cert --key --plaintext --strict --timeout --output' ;;
        health)
            words='-h --help --version --ca --cert --key --plaintext --service --timeout' ;;
        explain)
            words='-h --help --version' ;;
        policy)
            words='-h --help --version --caller --method --pool --key --allow-confirmed' ;;
        audit)
            words='-h --help --version --audit-key' ;;
        completion)
            words='-h --help --version' ;;
        version)
            words='-h --help --version' ;;
        '')
            words='-h --help --version' ;;
        esac
    else
        case $command:$arguments in
        explain:0)
            constants=yes
            words='INVALID_REQUEST INVALID_PARAMETER USER_POOL_NOT_FOUND USER_NOT_FOUND USER_ALREADY_CONFIRMED USER_NOT_CONFIRMABLE USER_DISABLED NOT_AUTHORIZED LAMBDA_REJECTED LAMBDA_FAILED LAMBDA_RESPONSE_INVALID OPERATION_NOT_ENABLED TOO_MANY_REQUESTS LIMIT_EXCEEDED TOO_MANY_FAILED_ATTEMPTS COGNITO_INTERNAL_ERROR COGNITO_UNREACHABLE COGNITO_UNAVAILABLE COGNITO_RESPONSE_LOST COGNITO_ACCESS_DENIED COGNITO_CREDENTIALS COGNITO_OPERATION_UNSUPPORTED UNRECOGNIZED_EXCEPTION DEADLINE_EXCEEDED CANCELLED SERVER_STOPPING INTERNAL POOL_BUSY CALLER_BUSY OVERLOADED UNAUTHENTICATED CALLER_NOT_ALLOWED AUDIT_UNAVAILABLE NOT_SENT NOT_APPLIED APPLIED UNKNOWN CONFIRMED ALREADY_CONFIRMED CONFIRMED_UNATTRIBUTED OK INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED UNAVAILABLE DATA_LOSS outcome attempts exception cognitoRequestId repeated violation violationsOmitted reasonCode userStatus trigger lambdaError AccessDenied AccessDeniedException ExpiredToken ExpiredTokenException IncompleteSignature IncompleteSignatureException InternalErrorException InternalFailure InvalidAction InvalidClientTokenId InvalidLambdaResponseException InvalidParameterException InvalidSignature InvalidSignatureException LimitExceededException MissingAuthenticationToken MissingAuthenticationTokenException NotAuthorizedException OperationNotEnabledException OptInRequired OptInRequiredException RequestEntityTooLarge RequestEntityTooLargeException RequestExpired RequestExpiredException RequestLimitExceeded RequestThrottled RequestThrottledException RequestTimeout RequestTimeoutException ResourceNotFoundException Serialization SerializationException ServiceUnavailable ServiceUnavailableException SignatureDoesNotMatch Throttled ThrottledException Throttling ThrottlingException TooManyFailedAttemptsException TooManyRequestsException UnexpectedLambdaException UnknownOperation UnknownOperationException UnrecognizedClient UnrecognizedClientException UserLambdaValidationException UserNotFoundException Validation ValidationError ValidationException' ;;
        policy:0)
            words='check explain' ;;
        policy:1)
            files=yes ;;
        audit:0)
            words='pending hash' ;;
        audit:1)
            files=yes ;;
        completion:0)
            words='bash zsh fish' ;;
        :0)
            words='serve dev confirm health explain policy audit completion version' ;;
        esac
    fi

    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS='' read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -f -- "$current")
    elif [[ -n $words ]]; then
        while IFS='' read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -W "$words" -- "$current")
    fi
    if [[ -n $constants && $current == *[[:lower:]]* && $current != *[[:upper:]]* ]]; then
        while IFS='' read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -W "$words" -- "$(tr '[:lower:]-' '[:upper:]_' <<<"$current")")
    fi
    return 0
}

complete -F _useradmin useradmin
