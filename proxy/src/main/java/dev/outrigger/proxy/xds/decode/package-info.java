/** From protobuf to records; the only reader of Envoy's messages. */
@NullMarked
package dev.outrigger.proxy.xds.decode;

import org.jspecify.annotations.NullMarked;
