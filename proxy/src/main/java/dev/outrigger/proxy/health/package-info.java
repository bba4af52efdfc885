/** Who is well: active checks on the config loop, passive ejection in each worker. */
@NullMarked
package dev.outrigger.proxy.health;

import org.jspecify.annotations.NullMarked;
