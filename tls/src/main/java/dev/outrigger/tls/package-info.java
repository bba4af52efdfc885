/** Identities, trust and handshakes. */
@NullMarked
package dev.outrigger.tls;

import org.jspecify.annotations.NullMarked;
