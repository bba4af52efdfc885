/** Toxiproxy's HTTP API, so that its command line and its client libraries drive this proxy. */
@NullMarked
package dev.outrigger.proxy.toxiproxy;

import org.jspecify.annotations.NullMarked;
