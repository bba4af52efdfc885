/** What happened, recorded once. */
@NullMarked
package dev.outrigger.proxy.telemetry;

import org.jspecify.annotations.NullMarked;
