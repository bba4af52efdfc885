/** Against a real kube-apiserver and etcd, on loopback; {@code make e2e-kubernetes} runs these. */
@NullMarked
package dev.outrigger.e2e.kubernetes;

import org.jspecify.annotations.NullMarked;
