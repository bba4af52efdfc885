/** Vectors of smuggling, framing and downgrades, and what plays client and origin for them. */
@NullMarked
package dev.outrigger.e2e.strict;

import org.jspecify.annotations.NullMarked;
