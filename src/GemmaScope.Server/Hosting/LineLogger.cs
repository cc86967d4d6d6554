using System.Globalization;
using GemmaScope.Text;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Hosting;

/// <summary>Writes the log, a line an event. Of an exception it writes type and place but not the message, which may hold what a client
/// wrote.</summary>
internal sealed class LineLogger(TextWriter? writer) : ILoggerProvider
{
    private readonly Lock _lock = new();

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose() { }

    private void Write(string line)
    {
        lock (_lock)
            writer?.WriteLine(line);
    }

    private sealed class Category(LineLogger log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        // The framework's own notes name addresses with their queries.
        public bool IsEnabled(LogLevel logLevel) =>
            name.StartsWith(ServerMetrics.Name, StringComparison.Ordinal) ? logLevel >= LogLevel.Information : logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (!IsEnabled(logLevel))
                return;
            var what = VisibleText.Line(formatter(state, exception).ReplaceLineEndings(" "));
            var where = exception is null ? "" : $" {exception.GetType().Name}{exception.StackTrace?.ReplaceLineEndings(" ")}";
            log.Write(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {(logLevel >= LogLevel.Warning ? $"{logLevel}: " : "")}{what}{where}"
                )
            );
        }
    }
}
