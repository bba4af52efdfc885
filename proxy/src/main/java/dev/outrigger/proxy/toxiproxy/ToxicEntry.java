package dev.outrigger.proxy.toxiproxy;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.relay.PlacedToxic;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A toxic as the API knows it.
 *
 * @param stream whose bytes it acts on, as it was given
 * @param attributes all of its kind
 */
record ToxicEntry(
    String name, ToxicKind kind, String stream, float toxicity, Map<String, Long> attributes) {

  /** What a request to add one says. */
  static ToxicEntry of(Fields fields) throws ApiError {
    String name = fields.string("name", "");
    String type = fields.string("type", "");
    String stream = fields.string("stream", "downstream");
    float toxicity = fields.number("toxicity", 1);
    fields.object("attributes", "toxics.NoopToxic", "");
    String way = stream.toLowerCase(Locale.ROOT);
    if (!way.equals("upstream") && !way.equals("downstream")) {
      throw new ApiError(400, "stream was invalid, can be either upstream or downstream");
    }
    ToxicKind kind = ToxicKind.named(type);
    if (kind == null) {
      throw new ApiError(400, "invalid toxic type");
    }
    return new ToxicEntry(
        name.isEmpty() ? type + "_" + stream : name, kind, stream, toxicity, Map.of());
  }

  /** With the toxicity and the attributes that the request names; the others stay. */
  ToxicEntry updated(Fields fields) throws ApiError {
    return withAttributes(fields).withToxicity(fields.number("toxicity", toxicity));
  }

  /** With the attributes that the request names; the others stay. */
  ToxicEntry withAttributes(Fields fields) throws ApiError {
    Fields given =
        fields.object(
            "attributes", "toxics." + kind.structName(), kind.structName() + ".attributes");
    Map<String, Long> all = new LinkedHashMap<>();
    for (String attribute : kind.attributes()) {
      all.put(
          attribute,
          given.integer(attribute, kind.attributeType(), attributes.getOrDefault(attribute, 0L)));
    }
    return new ToxicEntry(name, kind, stream, toxicity, all);
  }

  private ToxicEntry withToxicity(float share) {
    return new ToxicEntry(name, kind, stream, share, attributes);
  }

  Direction direction() {
    return stream.toLowerCase(Locale.ROOT).equals("upstream")
        ? Direction.UPSTREAM
        : Direction.DOWNSTREAM;
  }

  PlacedToxic placed() {
    return new PlacedToxic(name, direction(), kind.toxic(attributes), toxicity);
  }

  String json() {
    StringBuilder out = new StringBuilder("{\"attributes\":{");
    String separator = "";
    for (Map.Entry<String, Long> one : attributes.entrySet()) {
      out.append(separator).append(Json.quoted(one.getKey())).append(':').append(one.getValue());
      separator = ",";
    }
    return out.append("},\"name\":")
        .append(Json.quoted(name))
        .append(",\"type\":")
        .append(Json.quoted(kind.label()))
        .append(",\"stream\":")
        .append(Json.quoted(stream))
        .append(",\"toxicity\":")
        .append(new BigDecimal(Float.toString(toxicity)).stripTrailingZeros().toPlainString())
        .append('}')
        .toString();
  }
}
