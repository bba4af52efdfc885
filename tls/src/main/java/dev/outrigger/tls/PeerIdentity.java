package dev.outrigger.tls;

import java.security.cert.X509Certificate;
import org.jspecify.annotations.Nullable;

/**
 * Who the peer of a connection proved to be.
 *
 * @param certificate the peer's leaf certificate, already verified
 * @param spiffeId its SPIFFE ID, where it has exactly one valid one
 */
public record PeerIdentity(X509Certificate certificate, @Nullable SpiffeId spiffeId) {}
