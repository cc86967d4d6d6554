using System.Globalization;
using System.Text;

namespace GemmaScope.Cli.Output;

/// <summary>A headline report as a table with one row a headline.</summary>
internal static class HeadlinesCsv
{
    public static string Render(HeadlinesView view)
    {
        var csv = new StringBuilder("headline,given_topic,topic,score,evidence,top_features\n");
        foreach (var headline in view.Headlines)
        {
            string[] fields =
            [
                headline.Text,
                headline.Reading.Headline.Topic ?? "",
                headline.Topic.Topic ?? HeadlinesView.Unknown,
                headline.Topic.Score?.ToString("0.####", CultureInfo.InvariantCulture) ?? "",
                string.Join(' ', headline.Topic.Evidence.Select(one => one.Feature)),
                string.Join(' ', headline.Top.Select(feature => feature.Feature)),
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
