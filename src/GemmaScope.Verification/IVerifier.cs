namespace GemmaScope.Verification;

/// <summary>Checks one form of fixture folder; knows nothing but the files in the folder.</summary>
public interface IVerifier
{
    /// <summary>Name of the form: host, tokenizer, chat, dictionary, demo, probing …</summary>
    string Form { get; }

    /// <summary>Whether the folder has this form, judged by its file names and, where needed, a look into its JSON.</summary>
    bool Recognizes(string folder);

    /// <summary>Runs all checks of the folder, one by one. A check that throws <see cref="GemmaScopeException"/> is reported as failed by
    /// the caller.</summary>
    IEnumerable<Check> Verify(string folder, VerifyOptions options);
}

/// <summary>Settings of a verification.</summary>
/// <param name="Vocabularies">Folders in which real vocabularies are looked for (files or packages named gemma2 / gemma3), first match
/// wins.</param>
public sealed record VerifyOptions(IReadOnlyList<string> Vocabularies)
{
    /// <summary>Nothing but the defaults.</summary>
    public static VerifyOptions Default { get; } = new([]);
}
