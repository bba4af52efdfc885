/** Who may do what over the API, and who did. */
@NullMarked
package dev.outrigger.controlplane.access;

import org.jspecify.annotations.NullMarked;
