package dev.outrigger.controlplane.model;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Optional;

/**
 * Times that come again, as in a crontab: minute, hour, day of the month, month and day of the
 * week, by the clocks of a time zone. A time that a clock leaps over, in spring, does not come; one
 * that it shows twice comes once.
 *
 * @param cron five fields
 */
public record CronTimes(String cron, ZoneId zone) {
  /**
   * @throws IllegalArgumentException if that is no cron expression
   */
  public CronTimes {
    var _ = times(cron);
  }

  /** The first after a time; empty if it never comes, as of 30 February. */
  public Optional<Instant> after(Instant time) {
    return times(cron).nextExecution(at(time)).map(ZonedDateTime::toInstant);
  }

  /** The last at or before a time. */
  public Optional<Instant> atOrBefore(Instant time) {
    return times(cron).lastExecution(at(time.plusSeconds(1))).map(ZonedDateTime::toInstant);
  }

  private ZonedDateTime at(Instant time) {
    return time.atZone(zone);
  }

  private static ExecutionTime times(String cron) {
    return ExecutionTime.forCron(
        new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX)).parse(cron));
  }
}
