/** The {@code outrigger} command: every verb but the two that run for long. */
@NullMarked
package dev.outrigger.cli;

import org.jspecify.annotations.NullMarked;
