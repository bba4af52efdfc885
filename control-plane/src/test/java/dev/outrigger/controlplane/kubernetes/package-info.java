@NullMarked
package dev.outrigger.controlplane.kubernetes;

import org.jspecify.annotations.NullMarked;
