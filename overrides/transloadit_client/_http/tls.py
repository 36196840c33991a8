"""TLS contexts for hosts that may be anyone's."""

import ssl


def without_certificate(context: ssl.SSLContext) -> ssl.SSLContext:
    """A context that trusts whom this one trusts, and shows no client certificate.

    Whether a context has one cannot be asked, nor can it be copied. One of a class derived from
    `ssl.SSLContext`, such as truststore's, is given back as it is: it trusts in ways of its own.
    """
    if type(context) is not ssl.SSLContext:
        return context
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = context.check_hostname
    bare.verify_mode = context.verify_mode
    bare.verify_flags = context.verify_flags
    bare.options = context.options
    bare.minimum_version, bare.maximum_version = context.minimum_version, context.maximum_version
    authorities = b"".join(context.get_ca_certs(binary_form=True))
    if authorities:
        bare.load_verify_locations(cadata=authorities)
    else:  # those of a folder are loaded one by one, as they are needed
        bare.load_default_certs()
    return bare
