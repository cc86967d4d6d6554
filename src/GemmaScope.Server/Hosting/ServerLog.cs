using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Hosting;

/// <summary>The lines of the log. None holds what a user wrote but <see cref="Text"/>, which has to be asked for.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} {Route} {Status} {Milliseconds:0} ms")]
    public static partial void Answered(ILogger log, string method, string route, int status, double milliseconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "failed inside")]
    public static partial void Failed(ILogger log, Exception problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "cannot be used: {Reason}")]
    public static partial void Unusable(ILogger log, string reason, Exception? cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "not ready: {Reason}")]
    public static partial void NotReady(ILogger log, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "judged {Text}: {Verdict}")]
    public static partial void Text(ILogger log, string text, string verdict);
}
