/** HTTP/1.1 on bytes: heads are parsed strictly, bodies are framed, heads are written. */
@NullMarked
package dev.outrigger.proxy.http.codec;

import org.jspecify.annotations.NullMarked;
