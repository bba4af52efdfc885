/** The runtime model: inert, immutable, comparable. No Netty, no protobuf. */
@NullMarked
package dev.outrigger.proxy.config;

import org.jspecify.annotations.NullMarked;
