package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ServiceRef;
import org.jspecify.annotations.Nullable;

/**
 * That an object names a service.
 *
 * @param path the field that does
 * @param sourceLine for the caret
 */
record Reference(
    ServiceRef service,
    String object,
    String path,
    String file,
    Place place,
    @Nullable String sourceLine) {}
