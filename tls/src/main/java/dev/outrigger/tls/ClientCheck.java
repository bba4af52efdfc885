package dev.outrigger.tls;

/**
 * What a server asks of its clients' certificates.
 *
 * @param trust roots
 * @param rule which of the trusted are accepted
 * @param required whether a client without a certificate is refused
 */
public record ClientCheck(TrustBundle trust, PeerRule rule, boolean required) {}
