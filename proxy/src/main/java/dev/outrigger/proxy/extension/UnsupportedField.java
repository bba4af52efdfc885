package dev.outrigger.proxy.extension;

/**
 * A field that is set and that this proxy does not support.
 *
 * @param path of the field inside its resource
 * @param hint what to do instead; may be empty
 */
public record UnsupportedField(String path, String hint) {}
