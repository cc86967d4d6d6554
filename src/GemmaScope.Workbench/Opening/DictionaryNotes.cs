using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>What checks of dictionaries have found, as sentences for those who work with them.</summary>
internal static class DictionaryNotes
{
    /// <summary>Checks dictionaries that were opened, and tells what was found.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">The dictionaries.</param>
    /// <param name="progress">Told it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static IReadOnlyList<DictionaryCheck> Check(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        if (dictionaries.Count == 0)
            return [];
        progress.Stage("checking dictionaries");
        var checks = DictionaryChecker.CheckOnOpening(model, dictionaries, cancellationToken);
        Tell(progress, checks);
        return checks;
    }

    /// <summary>Each finding as a sentence that names the dictionary.</summary>
    /// <param name="checks">The checks.</param>
    public static IReadOnlyList<string> Of(IEnumerable<DictionaryCheck> checks) =>
        [.. checks.SelectMany(check => Told(check).Select(finding => Sentence(check, finding)))];

    /// <summary>Tells what was found, with the site to name where that is all there is to change.</summary>
    /// <param name="progress">Told it.</param>
    /// <param name="checks">The checks.</param>
    private static void Tell(IProgress<JobReport>? progress, IEnumerable<DictionaryCheck> checks)
    {
        foreach (var check in checks)
        foreach (var finding in Told(check))
            progress.Note(
                Sentence(check, finding),
                finding.Site is { } site ? new Remedy($"read it there with {new Setting(nameof(MicroscopeOptions.Site), site)}") : null
            );
    }

    /// <summary>Sentences as paragraphs of a page.</summary>
    /// <param name="sentences">The sentences; none for nothing.</param>
    public static IEnumerable<Markup> Markup(IEnumerable<string> sentences) =>
        sentences.Select(sentence => Html.Markup.Of($"<p class=\"note\">{sentence}</p>\n"));

    /// <summary>What is to be said; that a host is quantised is said once for all dictionaries (<see cref="QuantisedHost"/>).</summary>
    private static IEnumerable<CheckFinding> Told(DictionaryCheck check) =>
        check.Findings.Where(finding => finding is not { Cause: DictionaryMismatch.Quantised, IsWarning: false });

    private static string Sentence(DictionaryCheck check, CheckFinding finding) =>
        finding.IsWarning ? $"{check.Dictionary} does not fit: {finding.Text}" : $"{check.Dictionary}: {finding.Text}";
}
