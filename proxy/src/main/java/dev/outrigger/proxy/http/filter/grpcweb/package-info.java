/** gRPC for browsers. */
@NullMarked
package dev.outrigger.proxy.http.filter.grpcweb;

import org.jspecify.annotations.NullMarked;
