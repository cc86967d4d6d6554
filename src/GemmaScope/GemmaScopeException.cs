namespace GemmaScope;

/// <summary>
/// The one family of errors a user can cause and cure. The message says what was wrong, where (file, tensor,
/// argument) and what to do. What is to be done is also kept apart, as a <see cref="GemmaScope.Remedy"/>, so that a command can name it
/// as an option and a server as a field.
/// </summary>
public class GemmaScopeException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence: what is wrong, with the values expected and found, and the cure where it is no setting.</param>
    /// <param name="location">The file, tensor, argument or address it is about; put in front of the message.</param>
    /// <param name="inner">The cause, where there is one.</param>
    /// <param name="remedy">The settings that cure it; put behind the message.</param>
    public GemmaScopeException(string message, string? location = null, Exception? inner = null, Remedy? remedy = null)
        : this(message, new Setting(location ?? ""), inner, remedy) => Location = location;

    private protected GemmaScopeException(string message, Setting place, Exception? inner, Remedy? remedy)
        : base(Whole(message, place.ToString(), remedy?.ToString()), inner) => (Problem, Remedy) = (message, remedy);

    /// <summary>What is wrong, without place and remedy.</summary>
    public string Problem { get; }

    /// <summary>The file, tensor, argument or address the error is about, or null.</summary>
    public string? Location { get; private protected init; }

    /// <summary>The settings that cure it, or null.</summary>
    public Remedy? Remedy { get; }

    /// <summary>The setting it is about, or null.</summary>
    public Setting? Setting { get; private protected init; }

    /// <summary>The whole message with settings named as its reader knows them.</summary>
    /// <param name="word">Names a setting: as an option of a command, a field of a request.</param>
    public string Describe(Func<Setting, string> word) =>
        Whole(Problem, Setting is { } setting ? word(setting) : Location ?? "", Remedy?.Describe(word));

    private static string Whole(string problem, string place, string? remedy) =>
        (place.Length > 0 ? $"{place}: " : "") + problem + (remedy is null ? "" : $"; {remedy}");
}

/// <summary>A file that is missing, cut short, malformed, or whose contents do not fit together.</summary>
public sealed class FileFormatException(string message, string? file = null, Exception? inner = null, Remedy? remedy = null)
    : GemmaScopeException(message, file, inner, remedy);

/// <summary>An argument (site name, model name, setting, context length …) that cannot be used.</summary>
public class ArgumentProblemException : GemmaScopeException
{
    /// <summary>Creates the error for an argument.</summary>
    /// <param name="message">What is wrong, with the values expected and found.</param>
    /// <param name="argument">The argument or what it names.</param>
    /// <param name="inner">The cause, where there is one.</param>
    /// <param name="remedy">The settings that cure it.</param>
    public ArgumentProblemException(string message, string? argument = null, Exception? inner = null, Remedy? remedy = null)
        : base(message, argument, inner, remedy) { }

    /// <summary>Creates the error for a setting, which each front names in its own way.</summary>
    /// <param name="message">What is wrong, with the values expected and found.</param>
    /// <param name="setting">The setting: a property of the options.</param>
    /// <param name="remedy">The settings that cure it, where it is not this one.</param>
    public ArgumentProblemException(string message, Setting setting, Remedy? remedy = null)
        : base(message, setting, null, remedy) => (Setting, Location) = (setting, setting.ToString());
}

/// <summary>A text, conversation or question that does not fit into the model's context.</summary>
/// <param name="message">How long it is and how much fits.</param>
/// <param name="argument">What does not fit.</param>
/// <param name="remedy">The settings that cure it.</param>
public sealed class ContextLengthException(string message, string? argument = null, Remedy? remedy = null)
    : ArgumentProblemException(message, argument, null, remedy);

/// <summary>A hub repository or file that could not be reached, or may not be read.</summary>
public sealed class HubException(string message, string? repository = null, Exception? inner = null, Remedy? remedy = null)
    : GemmaScopeException(message, repository, inner, remedy);
