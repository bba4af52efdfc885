/** What an operator may see and do: readiness, counters, configuration, drain. */
@NullMarked
package dev.outrigger.proxy.admin;

import org.jspecify.annotations.NullMarked;
