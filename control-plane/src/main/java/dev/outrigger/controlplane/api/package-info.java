/** The small HTTP API for people and programs on this machine. */
@NullMarked
package dev.outrigger.controlplane.api;

import org.jspecify.annotations.NullMarked;
