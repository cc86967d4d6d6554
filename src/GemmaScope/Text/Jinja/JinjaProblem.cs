namespace GemmaScope.Text.Jinja;

/// <summary>What a template does that cannot be done; <see cref="JinjaTemplate"/> adds the file.</summary>
internal sealed class JinjaProblem(int line, string message) : GemmaScopeException(message)
{
    /// <summary>The line of the template, from 1.</summary>
    public int Line => line;
}

/// <summary>A template refuses what it was given by <c>raise_exception</c>; the message is its own.</summary>
internal sealed class JinjaRefusal(string message) : GemmaScopeException(message);
