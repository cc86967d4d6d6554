using System.Globalization;
using System.Text;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>Headlines as a table with one row each.</summary>
public static class HeadlinesCsv
{
    /// <summary>Writes the table to a file, over an older one.</summary>
    /// <exception cref="GemmaScopeException">The file cannot be written.</exception>
    public static void Save(HeadlinesResult result, string file) =>
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(Render(result))), overwrite: true);

    /// <summary>The table.</summary>
    public static string Render(HeadlinesResult result)
    {
        var csv = new StringBuilder("headline,given_topic,topic,score,evidence,top_features\n");
        foreach (var headline in result.Headlines)
        {
            string[] fields =
            [
                headline.Headline,
                headline.GivenTopic ?? "",
                headline.Topic ?? HeadlinesResult.Unknown,
                headline.Score?.ToString("0.####", CultureInfo.InvariantCulture) ?? "",
                string.Join(' ', headline.Evidence.Select(one => one.Feature)),
                string.Join(' ', headline.TopFeatures.Select(one => one.Feature)),
            ];
            csv.AppendJoin(',', fields.Select(Quoted)).Append('\n');
        }
        return csv.ToString();
    }

    // Spreadsheets take a cell that begins so for a formula; a headline must not become one.
    private static string Quoted(string field)
    {
        if (field is ['=' or '+' or '-' or '@', ..])
            field = "'" + field;
        return field.AsSpan().ContainsAny(",\"\r\n") ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
    }
}
