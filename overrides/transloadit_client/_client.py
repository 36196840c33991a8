"""`Transloadit`: what people call."""

from attrs import define

from ._calls import Calls


@define(init=False, eq=False, repr=False)
class Transloadit(Calls):
    """The client of the API; it also serves as `client=` of every generated function.

    Args:
        key: the Auth Key; else `TRANSLOADIT_KEY`.
        secret: the Auth Secret; else `TRANSLOADIT_SECRET`.
        signature_algorithm: `sha384`, `sha256`, `sha512` or `sha1`, as the key demands; else
            `TRANSLOADIT_SIGNATURE_ALGORITHM`, else `sha384`.
        auth_token: a bearer token, which replaces key and signature; else, where neither key nor
            secret was given, `TRANSLOADIT_AUTH_TOKEN`. It is sent on create and replays alone.
        base_url: where the API is; else `TRANSLOADIT_ENDPOINT`, else the service itself.
        timeout: seconds for each step of a request (connect, write, read), or an `httpx.Timeout`.
            By default 10 to connect and 60 for the others.
        headers: further headers for every request.
        cookies: cookies for every request.
        trusted_hosts: further hosts, beside the base URL's and the service's, on which Assemblies
            may be read and canceled, over https; such as `{"media.example.net"}`.
        retry: how often and how long to try; None to try once. See `RetryPolicy`.
        pickle_secrets: whether a pickle of this client holds its secrets; by default whoever wakes
            it takes them from the environment.
        verify_ssl: a CA file, a folder of them or an `ssl.SSLContext` to trust instead.
        httpx_args: further arguments for httpx's clients: `proxy`, `limits`, `transport`, `http2` …

    Raises:
        InvalidInput: the base URL is none, or would carry credentials in plain text.
    """
