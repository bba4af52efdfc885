/** An exchange's way to an endpoint: attempts, deadlines, retries. */
@NullMarked
package dev.outrigger.proxy.forward;

import org.jspecify.annotations.NullMarked;
