namespace GemmaScope;

/// <summary>A setting of a job, by the name of its property: <c>Site</c>, or with the value to give it.</summary>
/// <param name="Name">The property's name.</param>
/// <param name="Value">The value to give it; null where that is left open or it is a switch.</param>
public readonly record struct Setting(string Name, string? Value = null)
{
    /// <summary>As C# has it.</summary>
    public override string ToString() => Value is null ? Name : $"{Name} = {Value}";
}

/// <summary>
/// What cures a problem: a sentence whose settings are kept apart from its words. <c>new($"begin anew with {new Setting("Restart")}")</c>
/// reads "begin anew with Restart" in C#; a command names its option, a server its field.
/// </summary>
/// <param name="text">The sentence.</param>
public sealed class Remedy(FormattableString text)
{
    /// <summary>The settings it names.</summary>
    public IReadOnlyList<Setting> Settings { get; } = [.. text.GetArguments().OfType<Setting>()];

    /// <summary>The sentence with settings named as its reader knows them.</summary>
    public string Describe(Func<Setting, string> word) =>
        string.Format(null, text.Format, [.. text.GetArguments().Select(one => one is Setting setting ? word(setting) : one)]);

    /// <inheritdoc/>
    public override string ToString() => text.ToString();
}
