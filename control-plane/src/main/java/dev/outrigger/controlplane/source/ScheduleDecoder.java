package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.CronTimes;
import dev.outrigger.controlplane.model.Schedule;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code schedule} of an {@code Experiment}. */
final class ScheduleDecoder {
  private static final Duration DEADLINE = Duration.ofMinutes(1);
  private static final Duration MAX_DEADLINE = Duration.ofHours(24);
  private static final int HISTORY = 10;
  private static final int MAX_HISTORY = 100;

  private static final Map<String, Schedule.Overlap> OVERLAPS = new LinkedHashMap<>();

  static {
    OVERLAPS.put("skip", Schedule.Overlap.SKIP);
    OVERLAPS.put("wait", Schedule.Overlap.WAIT);
    OVERLAPS.put("replace", Schedule.Overlap.REPLACE);
  }

  private ScheduleDecoder() {}

  static @Nullable Schedule decode(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    String cron = fields.requiredText("cron", "such as \"0 10 * * 1-5\"");
    Schedule schedule =
        new Schedule(
            times(fields, cron, zone(fields)),
            fields.choice("overlap", OVERLAPS, Schedule.Overlap.SKIP),
            ExperimentDecoder.within(
                fields, "startingDeadline", DEADLINE, Duration.ofSeconds(1), MAX_DEADLINE),
            fields.flag("suspended", false),
            fields.integer("history", HISTORY, 1, MAX_HISTORY));
    fields.finish();
    return schedule;
  }

  private static CronTimes times(Fields fields, String cron, ZoneId zone) {
    CronTimes never = new CronTimes("0 0 1 1 *", zone);
    if (cron.isEmpty()) {
      return never;
    }
    try {
      return new CronTimes(cron, zone);
    } catch (IllegalArgumentException e) {
      fields.problem(
          Code.BAD_VALUE,
          "cron",
          "`" + fields.at("cron") + "` is no cron expression: " + reason(e),
          "write minute, hour, day of month, month and day of week, such as \"0 10 * * 1-5\"");
      return never;
    }
  }

  /** One line, without what follows the first sentence. */
  private static String reason(IllegalArgumentException e) {
    String text = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }

  private static ZoneId zone(Fields fields) {
    String name = fields.text("timeZone", "UTC");
    try {
      return ZoneId.of(name);
    } catch (DateTimeException e) {
      @Nullable String nearest = Nearest.to(name, ZoneId.getAvailableZoneIds());
      fields.problem(
          Code.BAD_VALUE,
          "timeZone",
          "`" + fields.at("timeZone") + "` is no time zone: " + name,
          nearest == null
              ? "write it like Europe/Berlin or UTC"
              : "did you mean `" + nearest + "`?");
      return ZoneOffset.UTC;
    }
  }
}
