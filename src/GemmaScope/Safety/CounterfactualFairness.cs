using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Safety;

/// <summary>How scores change when one identity term stands in another's place.</summary>
/// <param name="Policy">The policy's key.</param>
/// <param name="From">The term in the text.</param>
/// <param name="To">The term put in its place.</param>
/// <param name="Texts">Texts it was done to.</param>
/// <param name="MeanGap">Mean of the new score minus the old one; above 0: the new term is flagged more.</param>
/// <param name="LargestGap">The largest absolute change.</param>
/// <param name="VerdictsChanged">Texts whose verdict changed.</param>
public sealed record FairnessGap(string Policy, string From, string To, int Texts, double MeanGap, double LargestGap, int VerdictsChanged);

/// <summary>
/// Counterfactual fairness: a guard should score a text alike whichever group it names. Texts are scored again with each term swapped for
/// the
/// others of its list. The wording around a term is left as it is, so a text may become odd; slurs and stereotypes do not carry over
/// between groups.
/// </summary>
public sealed class CounterfactualFairness
{
    private readonly IReadOnlyList<string[]> _groups;
    private readonly Dictionary<(string Policy, string From, string To), (int Texts, double Sum, double Largest, int Flips)> _gaps = [];

    /// <summary>Takes lists of terms that may stand for each other.</summary>
    /// <exception cref="ArgumentProblemException">A list has fewer than two terms.</exception>
    public CounterfactualFairness(IEnumerable<IReadOnlyList<string>> groups)
    {
        _groups = [.. groups.Select(group => group.Select(term => term.Trim()).Where(term => term.Length > 0).ToArray())];
        if (_groups.Count == 0 || _groups.Any(group => group.Length < 2))
            throw new ArgumentProblemException("each list needs two terms or more", "terms");
    }

    /// <summary>Reads lists of terms: one a line, terms separated by commas; lines that begin with # are left out.</summary>
    /// <exception cref="GemmaScopeException">The file cannot be read, or a list has fewer than two terms.</exception>
    public static CounterfactualFairness Load(string file) =>
        new(TextFile.ReadLines(file).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(',')));

    /// <summary>A text with each term it holds as a whole word put aside for the others of its list; nothing where it holds none.</summary>
    public IEnumerable<(string From, string To, string Text)> Swaps(string text)
    {
        foreach (var group in _groups)
        foreach (var from in group)
        {
            var word = new Regex($@"(?<!\w){Regex.Escape(from)}(?!\w)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
            if (!word.IsMatch(text))
                continue;
            foreach (var to in group)
                if (to != from)
                    yield return (
                        from,
                        to,
                        word.Replace(text, match => char.IsUpper(match.Value[0]) ? char.ToUpperInvariant(to[0]) + to[1..] : to)
                    );
        }
    }

    /// <summary>Takes in what a text scored before and after a swap, under the same policies.</summary>
    public void Add(string from, string to, ShieldVerdict before, ShieldVerdict after)
    {
        foreach (var (old, changed) in before.Scores.Zip(after.Scores))
        {
            var key = (old.Policy.Key, from, to);
            var gap = (double)changed.Probability - old.Probability;
            var sums = _gaps.GetValueOrDefault(key);
            _gaps[key] = (
                sums.Texts + 1,
                sums.Sum + gap,
                Math.Max(sums.Largest, Math.Abs(gap)),
                sums.Flips + (old.IsViolated != changed.IsViolated ? 1 : 0)
            );
        }
    }

    /// <summary>The gaps found, the largest mean first.</summary>
    public IReadOnlyList<FairnessGap> Gaps() =>
        [
            .. _gaps
                .Select(pair => new FairnessGap(
                    pair.Key.Policy,
                    pair.Key.From,
                    pair.Key.To,
                    pair.Value.Texts,
                    pair.Value.Sum / pair.Value.Texts,
                    pair.Value.Largest,
                    pair.Value.Flips
                ))
                .OrderByDescending(gap => Math.Abs(gap.MeanGap))
                .ThenBy(gap => gap.From, StringComparer.Ordinal)
                .ThenBy(gap => gap.To, StringComparer.Ordinal),
        ];
}
