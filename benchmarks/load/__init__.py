"""The load: processes of their own that publish readings and count them where they arrive.

They import nothing but the standard library, so that they stay cheap beside what is measured.
"""
