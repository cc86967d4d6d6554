using System.Globalization;
using System.Text.RegularExpressions;

namespace GemmaScope.Behaviour.Reasoning;

/// <summary>A sum to be worked out.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Question">The question.</param>
/// <param name="Operands">The numbers.</param>
/// <param name="Answer">Their sum.</param>
public sealed record AdditionQuestion(string Id, string Question, IReadOnlyList<int> Operands, string Answer);

/// <summary>A task where reasoning matters, also for small models (METHODS §6.8): the sum of some numbers.</summary>
public static partial class AdditionTask
{
    private const int LeastOperand = 1,
        PastOperand = 100;

    /// <summary>Questions: as many for each number of operands. The same seed gives the same ones, also where more are asked for.</summary>
    /// <param name="operands">How many numbers, each from 2.</param>
    /// <param name="each">Questions for each.</param>
    /// <param name="seed">The seed.</param>
    /// <exception cref="ArgumentProblemException">There is a sum of fewer than two numbers.</exception>
    public static IReadOnlyList<AdditionQuestion> Make(IReadOnlyList<int> operands, int each, int seed)
    {
        if (operands.Any(one => one < 2))
            throw new ArgumentProblemException("must be 2 or more: one number is no sum", "operands");
        return [.. operands.Distinct().SelectMany(count => Of(count, each, new Random(unchecked(seed * 1009 + count))))];
    }

    /// <summary>The number that an answer names, as it is compared: digits alone, of several the last one; null where it names
    /// none.</summary>
    public static string? Read(string answer) =>
        Number().Matches(answer).LastOrDefault()?.Value is { } found ? Trimmed(found.Replace(",", "", StringComparison.Ordinal)) : null;

    private static IEnumerable<AdditionQuestion> Of(int count, int each, Random random)
    {
        for (var i = 0; i < each; i++)
        {
            int[] numbers = [.. Enumerable.Range(0, count).Select(_ => random.Next(LeastOperand, PastOperand))];
            yield return new(
                $"sum {count} {i + 1}",
                $"What is {string.Join(" + ", numbers)}?",
                numbers,
                numbers.Sum().ToString(CultureInfo.InvariantCulture)
            );
        }
    }

    private static string Trimmed(string number)
    {
        var sign = number.StartsWith('-') ? "-" : "";
        var (whole, fraction) = number.TrimStart('-').Split('.') is [var a, var b] ? (a, b.TrimEnd('0')) : (number.TrimStart('-'), "");
        whole = whole.TrimStart('0') is { Length: > 0 } digits ? digits : "0";
        return fraction.Length > 0 ? $"{sign}{whole}.{fraction}" : sign + whole;
    }

    [GeneratedRegex(@"(?<![\d.])-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")]
    private static partial Regex Number();
}

/// <summary>An exact mistake in a sentence that reckons: its last number is another one.</summary>
public static partial class ArithmeticMistake
{
    private const int Most = 10;

    /// <summary>The sentence with its last number changed by 1 to 9; null where it has none.</summary>
    public static string? Of(string sentence, int seed)
    {
        if (
            Whole().Matches(sentence).LastOrDefault() is not { } number
            || !long.TryParse(number.Value, CultureInfo.InvariantCulture, out var value)
        )
            return null;
        var random = new Random(seed);
        var by = random.Next(1, Most);
        var changed = value >= by && random.Next(2) == 0 ? value - by : value + by;
        return $"{sentence[..number.Index]}{changed.ToString(CultureInfo.InvariantCulture)}{sentence[(number.Index + number.Length)..]}";
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Whole();
}
