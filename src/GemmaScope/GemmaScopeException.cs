namespace GemmaScope;

/// <summary>
/// The one family of errors a user can cause and cure. The message says what was wrong, where (file, tensor,
/// argument) and what to do; the command line prints it on one line and exits with 2.
/// </summary>
public class GemmaScopeException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence: what is wrong, with the values expected and found, and the cure.</param>
    /// <param name="location">The file, tensor, argument or address it is about; put in front of the message.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public GemmaScopeException(string message, string? location = null, Exception? inner = null)
        : base(location is null ? message : $"{location}: {message}", inner) => Location = location;

    /// <summary>The file, tensor, argument or address the error is about, or null.</summary>
    public string? Location { get; }
}

/// <summary>A file that is missing, cut short, malformed, or whose contents do not fit together.</summary>
public sealed class FileFormatException(string message, string? file = null, Exception? inner = null)
    : GemmaScopeException(message, file, inner);

/// <summary>An argument (site name, model name, option, context length …) that cannot be used.</summary>
public sealed class ArgumentProblemException(string message, string? argument = null, Exception? inner = null)
    : GemmaScopeException(message, argument, inner);

/// <summary>A hub repository or file that could not be reached, or may not be read.</summary>
public sealed class HubException(string message, string? repository = null, Exception? inner = null)
    : GemmaScopeException(message, repository, inner);
